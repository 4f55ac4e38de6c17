"""A run as one HTML file that a person likes to read: what it may claim, and everything that stands behind it.

`data` turns a run into plain values, `contract` says what these are, `page` and `figures` draw them and know of
no run.
"""

from agentarch.report.contract import Report, finite_only, read_report
from agentarch.report.data import report_data
from agentarch.report.page import is_report, render_page

__all__ = ["Report", "finite_only", "is_report", "read_report", "render_page", "report_data"]
