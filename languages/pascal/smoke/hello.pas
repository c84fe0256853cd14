program main;
begin
  writeln('Hello, World!');
end.
