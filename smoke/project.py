"""A project with three orders in a real database, and what is asked of it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CONFIGURATION = """\
connections:
  warehouse:
    driver: sqlite
    path: warehouse.db
"""
ORDERS = """\
name: orders
table: orders
grain: [id]
columns:
  - {name: id, type: number}
  - {name: amount, type: number}
measures:
  - {name: order_count, expr: count(*)}
  - {name: order_id, expr: id}
joins: []
"""
COUNT = "orders.order_count"
IDS = "orders.order_id"  # a row an order


def make_project(directory: Path) -> Path:
    """Write the project into a directory, which may be there already."""
    sources = directory / "semantic-layer" / "warehouse"
    sources.mkdir(parents=True)
    (directory / "ktx.yaml").write_text(CONFIGURATION, encoding="utf-8")
    (sources / "orders.yaml").write_text(ORDERS, encoding="utf-8")
    with closing(sqlite3.connect(directory / "warehouse.db")) as database:
        database.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, amount REAL)")
        database.executemany("INSERT INTO orders (amount) VALUES (?)", [(10.0,), (20.5,), (0.0,)])
        database.commit()
    return directory


def asking(measure: str, directory: Path | str = ".") -> tuple[str, ...]:
    """The options of a query for one measure of the project."""
    where = ("--project-dir", str(directory), "--connection-id", "warehouse")
    return (*where, "--measure", measure, "--format", "json")
