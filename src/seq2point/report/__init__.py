"""What people read: tables, Markdown and pictures."""
