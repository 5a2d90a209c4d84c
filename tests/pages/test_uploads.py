"""A file that was brought is taken once, and Streamlit keeps no copy of it."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

CONTENT = b"a,b\n1,2\n" * 1000


def script() -> None:
    import streamlit as st

    from pages.shared.uploads import done, take

    upload = take("field")
    left = st.file_uploader("Field", key="field")
    st.text(f"{upload.name} {len(upload.content.getvalue())}" if upload else "nothing")
    st.text(f"left {len(left.getvalue()) if left else 0}")
    if st.checkbox("Ready") and upload:
        done("field")


def texts(page: AppTest) -> list[str]:
    return [text.value for text in page.text]


def test_a_file_is_taken_once_waits_until_it_is_done_and_streamlit_keeps_none_of_it() -> None:
    page = AppTest.from_function(script, default_timeout=60).run()
    assert texts(page) == ["nothing", "left 0"]
    page.file_uploader(key="field").set_value(("t.csv", CONTENT, "text/csv")).run()
    assert texts(page) == ["t.csv 8000", "left 0"]
    page.run()  # as after a run that was broken off
    assert texts(page) == ["t.csv 8000", "left 0"]
    page.checkbox[0].check().run()
    page.run()
    assert texts(page) == ["nothing", "left 0"]
    page.file_uploader(key="field").set_value(("other.csv", CONTENT[:80], "text/csv")).run()
    assert texts(page)[0] == "other.csv 80"
