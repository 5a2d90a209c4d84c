"""Links to runs: whoever has the secret reads these runs, until the link is revoked; nobody else does."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from test_run_store import ME, OTHER, record

from mlp_core.store import shares as sharing
from mlp_core.store.opening import RefusedError, StoreError
from mlp_core.store.runs import RunStore
from mlp_core.store.shares import revoke, share, shared, shares


def filled(store: RunStore, count: int) -> list[str]:
    runs = [record(started=float(at)) for at in range(count)]
    for run in runs:
        store.save(ME, run, {"last": (1, b"1")})
    return [run.id for run in runs]


def test_a_link_shows_its_runs_in_their_order_and_nothing_else(store: RunStore) -> None:
    runs = filled(store, 4)
    chosen = [runs[2], runs[0], runs[3]]
    secret = share(store, ME, [*chosen, chosen[0]])
    found = shared(store, secret)
    assert (found.owner, [run.id for run in found.runs]) == (ME, chosen)
    assert shared(store, share(store, ME, runs[:1])).runs[0].id == runs[0], "a run may be in several links"
    assert [len(one.runs) for one in shares(store, ME)] == [1, 3]
    assert shares(store, OTHER) == []
    store.save(ME, record(id=runs[0], step=200), {})
    assert len(shared(store, secret).runs) == 3, "a run that is saved again stays shared"
    with store.engine.connect() as connection:
        assert secret not in str(connection.execute(text("SELECT * FROM shares")).all()), "the store cannot tell it"


def test_a_link_ends_when_it_is_revoked_or_its_runs_are_gone(store: RunStore) -> None:
    runs = filled(store, 2)
    secret = share(store, ME, runs)
    store.delete(ME, runs[:1])
    assert [run.id for run in shared(store, secret).runs] == runs[1:]
    store.delete(ME, runs[1:])
    with pytest.raises(StoreError, match="no longer kept"):
        shared(store, secret)
    store.restore(ME, runs)
    (link,) = shares(store, ME)
    revoke(store, OTHER, link.key)
    assert len(shared(store, secret).runs) == 2, "only its owner ends it"
    revoke(store, ME, link.key)
    revoke(store, ME, link.key)
    with pytest.raises(StoreError, match="revoked"):
        shared(store, secret)
    with store.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM shared_runs")).scalar() == 0
    assert store.count(ME) == 2


def test_who_may_share_what(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = filled(store, 2)
    for owner, chosen, said in ((OTHER, runs, "no run"), (ME, [*runs, "nothing"], "no run"), (ME, [], "1 to 20"),
                                (ME, list(map(str, range(21))), "1 to 20")):  # fmt: skip
        with pytest.raises(RefusedError, match=said):
            share(store, owner, chosen)
    assert shares(store, ME) == []
    monkeypatch.setattr(sharing, "MAX_SHARES", 2)
    for _ in range(2):
        share(store, ME, runs)
    with pytest.raises(RefusedError, match="Revoke one"):
        share(store, ME, runs)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(secret=st.one_of(st.text(), st.binary().map(lambda data: data.decode("latin-1")), st.just("a" * 10**6),
                        st.text("abcDEF-_0", min_size=43, max_size=43), st.just("\x00" * 43)))  # fmt: skip
def test_any_other_text_shows_nothing(store: RunStore, secret: str) -> None:
    with pytest.raises(RefusedError, match="shows no runs"):
        shared(store, secret)
