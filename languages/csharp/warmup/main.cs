// What programs use most of the class library, so that the names of those files are in the image's list.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;

class Program
{
    static void Main()
    {
        string line = Console.ReadLine();
        var words = new Dictionary<string, int> { [line] = line.Split(' ').Select(w => w.Length).OrderBy(n => n).Sum() };
        Console.WriteLine(new StringBuilder().Append(words.Count));
    }
}
