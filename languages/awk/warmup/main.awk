# Nothing but a line printed: the interpreter brings what it needs.
{ print }
