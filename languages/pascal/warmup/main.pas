{ The units that programs use most, so that the names of those files are in the image's list. }
program main;
{$mode objfpc}
uses classes, math, strutils, sysutils;
var
  line: string;
begin
  readln(line);
  writeln(line, ' ', max(1, 2), ' ', inttostr(length(line)), ' ', reversestring(line));
end.
