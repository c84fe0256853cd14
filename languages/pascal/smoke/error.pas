program main;
{$mode objfpc}
uses sysutils;
begin
  raise exception.create('nobody catches this');
end.
