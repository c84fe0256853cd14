program main;
begin
  halt(3);
end.
