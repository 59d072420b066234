"""What tests ask a ledger."""

from nst_core.ledger import Ledger


def claimed(ledger: Ledger) -> str:
    job = ledger.claim()
    assert job
    return job.name


def states(ledger: Ledger) -> dict[str, str]:
    return {job.name: job.state for job in ledger.jobs()}
