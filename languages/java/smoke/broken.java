public class Main {
    int number = "text";
}
