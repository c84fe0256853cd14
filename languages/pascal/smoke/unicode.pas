program main;
begin
  write('Grüße, 世界 🚀');
end.
