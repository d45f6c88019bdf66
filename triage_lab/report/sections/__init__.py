"""What each part of the page shows: a view of plain text and geometry per section, no markup."""
