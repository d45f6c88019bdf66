"""What stock Great Expectations lacks: a query's one row, its first value kept on pass too.

Importing this module imports Great Expectations.
"""

from __future__ import annotations

from typing import Any, ClassVar

from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from sqlalchemy import select, text

FIRST_ROW = "triage_lab.first_row"


class FirstRow(TableMetricProvider):  # type: ignore[misc]
    """Metric: the only row of the asset's query."""

    metric_name = FIRST_ROW

    @metric_value(engine=SqlAlchemyExecutionEngine)  # type: ignore[untyped-decorator]
    def _sqlalchemy(
        cls,  # noqa: N805
        execution_engine: Any,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any],
    ) -> list[Any]:
        """Read the row; more or fewer than one is an error."""
        selectable, _, _ = execution_engine.get_compute_domain(
            metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE
        )
        rows = execution_engine.execute_query(select(text("*")).select_from(selectable)).fetchall()
        if len(rows) != 1:
            raise ValueError(f"the query returned {len(rows):,} rows, one is expected")
        return list(rows[0])


class ExpectFirstValueToBeBetween(BatchExpectation):  # type: ignore[misc]
    """Expect the first value of the asset's only row to lie between bounds; the whole row is kept in the details."""

    min_value: float | None = None
    max_value: float | None = None
    metric_dependencies: ClassVar[tuple[str, ...]] = (FIRST_ROW,)
    success_keys: ClassVar[tuple[str, ...]] = ("min_value", "max_value")

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: Any = None,
    ) -> dict[str, Any]:
        """Compare the first value with the bounds."""
        row = metrics[FIRST_ROW]
        value = row[0]
        above = value is not None and (self.min_value is None or value >= self.min_value)
        inside = above and (self.max_value is None or value <= self.max_value)
        return {"success": bool(inside), "result": {"observed_value": value, "details": {"row": row}}}
