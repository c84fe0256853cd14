procedure Main is
begin
   raise Constraint_Error with "nobody catches this";
end Main;
