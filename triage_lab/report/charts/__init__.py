"""The charts of the page: one module a chart; geometry is pure, drawing is a macro of templates/charts.html.j2."""
