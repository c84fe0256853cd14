--  The packages that programs use most, so that the names of those files are in the image's list.
with Ada.Containers.Vectors;
with Ada.Integer_Text_IO;
with Ada.Strings.Unbounded;
with Ada.Text_IO;

procedure Main is
   package Numbers is new Ada.Containers.Vectors (Natural, Integer);
   Line : constant Ada.Strings.Unbounded.Unbounded_String :=
     Ada.Strings.Unbounded.To_Unbounded_String (Ada.Text_IO.Get_Line);
   All_Of_Them : Numbers.Vector;
begin
   All_Of_Them.Append (Ada.Strings.Unbounded.Length (Line));
   Ada.Integer_Text_IO.Put (Integer (All_Of_Them.Length));
end Main;
