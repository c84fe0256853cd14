# Nothing but a line read: the interpreter brings what it needs.
puts [gets stdin]
