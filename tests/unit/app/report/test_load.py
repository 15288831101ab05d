from __future__ import annotations

import json
import shutil
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from novate.app.report.column import COLUMNS
from novate.app.report.load import Run, Table, load_run
from novate.errors import InputError


@pytest.fixture
def directory(loss_directory: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(loss_directory, tmp_path / "run"))


def test_amounts_of_the_summary_are_exact_decimals(loss_run: Run) -> None:
    result = loss_run.summary.result

    assert isinstance(result.shortfall, Decimal)
    assert result.fund_before == Decimal("42000000.000000")


def test_every_table_of_the_contract_is_read(loss_run: Run) -> None:
    assert set(loss_run.tables) == set(COLUMNS)


def test_an_account_is_named_by_its_reference(loss_run: Run) -> None:
    assert loss_run.references()["101"] == "A1001"


@pytest.mark.parametrize("name", ["summary.json", "story.json", "losses.parquet"])
def test_a_missing_file_is_named(directory: Path, name: str) -> None:
    (directory / name).unlink()

    with pytest.raises(InputError, match=name):
        load_run(directory)


def test_a_missing_field_is_named_with_its_place(directory: Path) -> None:
    path = directory / "summary.json"
    document = json.loads(path.read_text())
    del document["result"]["shortfall"]
    path.write_text(json.dumps(document))

    with pytest.raises(InputError, match=r"shortfall.*\$\.result"):
        load_run(directory)


def test_a_missing_column_is_named_with_those_allowed(directory: Path) -> None:
    path = directory / "ccp.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["balance"]), path)

    with pytest.raises(InputError, match=r"\['balance'\] are missing; allowed"):
        load_run(directory)


def test_a_file_that_is_no_parquet_is_named(directory: Path) -> None:
    (directory / "calls.parquet").write_text("not a table")

    with pytest.raises(InputError, match=r"calls\.parquet: not a readable Parquet file"):
        load_run(directory)


def test_a_column_of_text_where_numbers_belong_is_named() -> None:
    table = Table(name="ccp", data=pa.table({"balance": ["a lot"]}))

    with pytest.raises(InputError, match=r"ccp\.parquet: column 'balance' is string"):
        table.floats("balance")


def test_nulls_become_nan_minus_one_and_empty_text() -> None:
    columns = {"x": pa.array([1.5, None]), "n": pa.array([7, None]), "s": pa.array(["a", None])}
    table = Table(name="t", data=pa.table(columns))

    assert np.isnan(table.floats("x")[1])
    assert table.integers("n").tolist() == [7, -1]
    assert table.texts("s") == ["a", ""]


def test_instants_survive_to_the_nanosecond() -> None:
    instant_ns = 1_760_054_400_123_456_789
    table = Table(name="t", data=pa.table({"instant_ns": [instant_ns]}))

    assert table.integers("instant_ns").tolist() == [instant_ns]


def test_a_run_without_a_sum_is_not_conserved(loss_run: Run) -> None:
    proof = loss_run.summary.verification
    fields = {name: getattr(proof, name) for name in proof.__struct_fields__}

    assert proof.is_conserved
    assert proof.is_complete
    assert not type(proof)(**{**fields, "conservation": []}).is_conserved
    assert not type(proof)(**{**fields, "audited": False}).is_complete


def test_accounts_of_the_house_have_names_too(loss_run: Run) -> None:
    named = {"2": "liquidator", "101": "hidden"}
    summary = msgspec.structs.replace(loss_run.summary, house_accounts=named)
    references = replace(loss_run, summary=summary).references()

    assert references["2"] == "Liquidator"
    assert references["101"] == "A1001"
