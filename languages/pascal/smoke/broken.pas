program main;
begin
  writeln('no end'
end.
