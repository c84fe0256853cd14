select 'to stdout';
.shell echo to stderr >&2
