"""From a results store to a page one can read: sections, tables, figures, templates. Never fits."""
