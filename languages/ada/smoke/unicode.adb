with Ada.Wide_Wide_Text_IO;

procedure Main is
begin
   Ada.Wide_Wide_Text_IO.Put ("Grüße, 世界 🚀");
end Main;
