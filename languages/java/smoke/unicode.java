public class Main {
    public static void main(String[] args) throws Exception {
        System.out.print("Grüße, 世界 🚀");
    }
}
