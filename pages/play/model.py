"""The model as PyTorch sees it: layers, shapes, parameters, memory and `print(model)`."""

import streamlit as st

st.title("Model", anchor=False)
