program main;
begin
  writeln('to stdout');
  writeln(stderr, 'to stderr');
end.
