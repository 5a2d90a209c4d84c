"""The training library of MLP Playground. No module here knows Streamlit."""
