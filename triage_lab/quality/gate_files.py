"""Reading gate files: YAML in, typed gates out; whatever is wrong is named with file, line and column."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

from triage_lab.domain.documents import Document
from triage_lab.domain.enums import Severity
from triage_lab.domain.errors import GateError, Place
from triage_lab.domain.gate import Gate
from triage_lab.domain.tables import CANONICAL, Table
from triage_lab.quality.checks import CHECKS, OCCASIONS, Check, Param

_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$")
_ROOT = ("version", "gates")
_COMMON = ("id", "title", "table", "check", "severity", "owner", "keys", "params", "min_n", "when")
_DEFAULT_WHEN = ("ingest", "daily", "launch")
_SQL_LIMIT = 20_000
Path = tuple[str | int, ...]


def read_gates(documents: Sequence[Document]) -> tuple[Gate, ...]:
    """Read the gates of all files, in the order of the files.

    Parameters
    ----------
    documents : sequence of Document
        Parsed YAML files: ``version: "1"`` and ``gates``, a list.

    Returns
    -------
    tuple of Gate
        Ids are unique over all files; tables and columns exist; parameters are those of the check.

    Raises
    ------
    GateError
        Unknown key, check, table or column (with the nearest known one), wrong type, missing or contradictory
        bounds, or an id used twice; ``place`` is file, line and column.

    Examples
    --------
    >>> from triage_lab.domain.documents import SourceMap
    >>> gate = {"id": "ids", "title": "Ids are there", "table": "tickets", "check": "not_null",
    ...         "severity": "critical", "owner": "ops", "params": {"column": "ticket_id"}}
    >>> read_gates([Document({"version": "1", "gates": [gate]}, SourceMap("g.yaml"))])[0].keys
    ('ticket_id',)
    """
    gates: list[Gate] = []
    seen: dict[str, Place] = {}
    for document in documents:
        for gate in _read_document(document):
            if gate.gate_id in seen:
                raise GateError(
                    f"the id '{gate.gate_id}' is used twice (first at {seen[gate.gate_id]})",
                    "each id once over all gate files",
                    "rename one of them",
                    place=gate.place,
                )
            seen[gate.gate_id] = gate.place
            gates.append(gate)
    return tuple(gates)


def gates_for(gates: Sequence[Gate], occasion: str) -> tuple[Gate, ...]:
    """Return the gates that run on an occasion: ingest, daily, weekly or launch.

    Raises
    ------
    GateError
        An occasion that does not exist.
    """
    if occasion not in OCCASIONS:
        raise GateError(f"unknown occasion '{occasion[:60]}'", " | ".join(OCCASIONS))
    return tuple(gate for gate in gates if occasion in gate.when)


def _read_document(document: Document) -> list[Gate]:
    """The gates of one file."""
    place = document.source.place
    _only(document.data, _ROOT, document, ())
    if document.data.get("version") != "1":
        raise GateError(f"version is {_shown(document.data.get('version'))}", '"1" (in quotes)', place=place("version"))
    entries = document.data.get("gates")
    if not isinstance(entries, list) or not entries:
        raise GateError("no list of gates", "gates: with at least one entry (- id: …)", place=place("gates"))
    return [_Entry(document, ("gates", index), entry).gate() for index, entry in enumerate(entries)]


def _only(data: Mapping[str, object], allowed: Collection[str], document: Document, path: Path) -> None:
    """Refuse keys that are not allowed here."""
    for key in data:
        if key not in allowed:
            raise GateError(
                f"unknown key '{key[:60]}'",
                _nearest(key, allowed),
                "correct or remove it",
                place=document.source.place(*path, key),
            )


def _nearest(word: str, allowed: Collection[str]) -> str:
    """The nearest allowed word, or all of them."""
    close = difflib.get_close_matches(word, sorted(allowed), n=1)
    return f"'{close[0]}'?" if close else ("one of " + ", ".join(sorted(allowed)) if allowed else "none here")


def _last(key: str) -> str:
    """The last part of a key written as a path."""
    return key.rpartition("/")[2]


def _shown(value: object) -> str:
    """What stood there, cut short."""
    if value is None:
        return "missing"
    return f"a {type(value).__name__}" if isinstance(value, dict | list) else repr(str(value)[:60])


class _Entry:
    """One entry of ``gates:``, read key by key."""

    def __init__(self, document: Document, path: Path, data: object) -> None:
        """Take the entry at a path of a document; anything but a mapping is refused."""
        if not isinstance(data, dict):
            raise GateError(_shown(data), "a mapping: id, title, table, check, …", place=document.source.place(*path))
        self.document, self.path, self.data = document, path, data

    def fail(self, key: str, found: str, expected: str, action: str = "") -> GateError:
        """The error for a key of this entry."""
        gate_id = self.data.get("id")
        named = f"gate '{gate_id}': {found}" if isinstance(gate_id, str) and key != "id" else found
        return GateError(named, expected, action, place=self.document.source.place(*self.path, *key.split("/")))

    def gate(self) -> Gate:
        """The gate, or a GateError."""
        gate_id = self.text("id")
        if not _ID.match(gate_id):
            raise self.fail("id", f"'{gate_id[:60]}' is no id", "letters, digits, - _ . :, at most 100")
        table = CANONICAL[self.choice("table", CANONICAL)]
        word = self.choice("check", CHECKS)
        check = CHECKS[word]
        if check.tables and table.name not in check.tables:
            raise self.fail("table", f"'{word}' has no meaning for {table.name}", _nearest(table.name, check.tables))
        kind = self.choice("kind", ("rows", "scalar")) if word == "sql" else check.kind
        self.only_allowed(word, check, kind)
        low, high = self.bounds(word, check, kind)
        return Gate(
            gate_id=gate_id,
            table=table.name,
            kind=kind,
            check=word,
            severity=Severity(self.choice("severity", tuple(Severity))),
            owner=self.text("owner"),
            title=self.text("title"),
            keys=self.keys(table, word),
            params=self.params(table, check),
            sql=self.sql() if word == "sql" else None,
            tolerance=self.tolerance(),
            low=low,
            high=high,
            min_n=self.whole("min_n", 1),
            when=self.occasions(),
            place=self.document.source.place(*self.path, "id"),
        )

    def only_allowed(self, word: str, check: Check, kind: str) -> None:
        """Refuse keys that this check has no use for."""
        allowed = list(_COMMON)
        allowed += ["tolerance"] if kind == "rows" else []
        allowed += ["sql", "kind"] if word == "sql" else []
        allowed += ["low", "high"] if check.bounded or kind == "scalar" else []
        _only(self.data, allowed, self.document, self.path)

    def text(self, key: str) -> str:
        """A text that is not blank."""
        value = self.data.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.fail(key, f"{key} is {_shown(value)}", "text", "add it, in quotes if it looks like a number")
        return value

    def choice(self, key: str, allowed: Collection[str]) -> str:
        """One word of a closed list."""
        value = self.text(key)
        if value not in allowed:
            raise self.fail(key, f"unknown {key} '{value[:60]}'", _nearest(value, allowed))
        return value

    def whole(self, key: str, default: int) -> int:
        """A whole number from 1."""
        value = self.data.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10**12:
            raise self.fail(key, f"{key} is {_shown(value)}", "a whole number from 1")
        return value

    def real(self, key: str) -> float | None:
        """A finite number, or None if the key is missing."""
        value = self.data.get(key)
        if value is None and key not in self.data:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not math.isfinite(float(value)):
            raise self.fail(key, f"{key} is {_shown(value)}", "a number")
        return float(value)

    def tolerance(self) -> float:
        """The share of rows that may offend."""
        share = self.real("tolerance")
        if share is not None and not 0 <= share < 1:
            raise self.fail("tolerance", f"tolerance is {share:g}", "a share from 0 to below 1, e.g. 0.01")
        return share or 0.0

    def bounds(self, word: str, check: Check, kind: str) -> tuple[float | None, float | None]:
        """The bounds; at least one where the check needs them."""
        low, high = self.real("low"), self.real("high")
        if (check.bounded or kind == "scalar") and low is None and high is None:
            raise self.fail("check", f"'{word}' without bounds", "low, high or both")
        if low is not None and high is not None and low > high:
            raise self.fail("low", f"low {low:g} is above high {high:g}", "low ≤ high")
        return low, high

    def texts(self, key: str, value: object) -> tuple[str, ...]:
        """A list of different texts, at least one."""
        if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
            raise self.fail(key, f"{_last(key)} is {_shown(value)}", "a list of texts, e.g. [a, b]")
        if len(set(value)) != len(value):
            raise self.fail(key, f"{_last(key)} names something twice", "each text once")
        return tuple(value)

    def occasions(self) -> tuple[str, ...]:
        """When the gate runs."""
        words = self.texts("when", self.data["when"]) if "when" in self.data else _DEFAULT_WHEN
        for word in words:
            if word not in OCCASIONS:
                raise self.fail("when", f"unknown occasion '{word[:60]}'", _nearest(word, OCCASIONS))
        return words

    def keys(self, table: Table, word: str) -> tuple[str, ...]:
        """The columns that identify a row; by default the table's key. A query of one's own may name others."""
        if "keys" not in self.data:
            return table.key
        keys = self.texts("keys", self.data["keys"])
        if word != "sql":
            for key in keys:
                self.column("keys", table, key)
        return keys

    def sql(self) -> str:
        """The text of a query of one's own; what it may contain is checked where it is run."""
        sql = self.text("sql")
        if len(sql) > _SQL_LIMIT or "\x00" in sql:
            raise self.fail("sql", f"a query of {len(sql):,} characters", f"at most {_SQL_LIMIT:,}, no NUL")
        return sql

    def column(self, key: str, table: Table, value: object, param: Param | None = None) -> str:
        """The name of a column of the table, of a fitting type."""
        known = {column.name: column for column in table.columns}
        if not isinstance(value, str) or value not in known:
            raise self.fail(key, f"{table.name} has no column {_shown(value)}", _nearest(str(value), known))
        if param and param.kinds and known[value].kind not in param.kinds:
            fitting = [name for name, column in known.items() if column.kind in param.kinds]
            raise self.fail(key, f"{value} is {known[value].kind.value}", _nearest(value, fitting))
        return value

    def params(self, table: Table, check: Check) -> dict[str, object]:
        """The parameters, typed as the check declares them."""
        data = self.data.get("params", {})
        if not isinstance(data, dict):
            raise self.fail("params", f"params is {_shown(data)}", "a mapping: {column: …}")
        _only(data, [param.name for param in check.params], self.document, (*self.path, "params"))
        out: dict[str, object] = {}
        for param in check.params:
            if param.name in data:
                out[param.name] = self.param(f"params/{param.name}", table, param, data[param.name])
            elif param.required:
                raise self.fail("params", f"params has no '{param.name}'", f"params: {{{param.name}: …}}")
        if "earlier" in out and self._kind(table, out["earlier"]) != self._kind(table, out["later"]):
            raise self.fail("params/later", "the two columns have different types", "two of one type")
        return out

    @staticmethod
    def _kind(table: Table, column: object) -> object:
        """The storage type of a column that is known to exist."""
        found = table.column(str(column))
        return found.kind if found else None

    def param(self, key: str, table: Table, param: Param, value: object) -> object:
        """One parameter."""
        if param.shape == "column":
            return self.column(key, table, value, param)
        if param.shape == "columns":
            return tuple(self.column(key, table, item, param) for item in self.texts(key, value))
        if param.shape == "texts":
            return self.texts(key, value)
        if param.shape == "reference":
            return self.reference(key, value)
        if param.shape == "flag":
            if not isinstance(value, bool):
                raise self.fail(key, f"{param.name} is {_shown(value)}", "true or false")
            return value
        if param.shape == "count":
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 366:
                raise self.fail(key, f"{param.name} is {_shown(value)}", "a whole number from 1 to 366")
            return value
        if not isinstance(value, str) or not value:
            raise self.fail(key, f"{param.name} is {_shown(value)}", "text")
        return value

    def reference(self, key: str, value: object) -> str:
        """``table.column`` of another table."""
        table, _, column = str(value).partition(".")
        if not isinstance(value, str) or table not in CANONICAL:
            raise self.fail(key, f"unknown table {_shown(table)}", f"table.column; {_nearest(table, CANONICAL)}")
        return f"{table}.{self.column(key, CANONICAL[table], column)}"
