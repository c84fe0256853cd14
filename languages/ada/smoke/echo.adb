with Ada.Streams;                use Ada.Streams;
with Ada.Text_IO;                use Ada.Text_IO;
with Ada.Text_IO.Text_Streams;   use Ada.Text_IO.Text_Streams;

procedure Main is
   Chunk : Stream_Element_Array (1 .. 4_096);
   Last  : Stream_Element_Offset;
begin
   loop
      Read (Stream (Standard_Input).all, Chunk, Last);
      exit when Last < Chunk'First;
      Write (Stream (Standard_Output).all, Chunk (1 .. Last));
   end loop;
end Main;
