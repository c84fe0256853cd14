import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.math.BigInteger;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Scanner;
import java.util.StringJoiner;
import java.util.TreeMap;
import java.util.function.IntUnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Compiled once while the image is built, so that the compiler's classes for usual programs are in its archive. */
public class Main {
    record Point(int x, int y) {}

    sealed interface Shape permits Circle, Square {}

    record Circle(double radius) implements Shape {}

    record Square(double side) implements Shape {}

    enum Colour { RED, GREEN }

    static abstract class Animal<T extends Comparable<T>> {
        private final T name;

        Animal(T name) {
            this.name = name;
        }

        abstract String sound();

        @Override
        public String toString() {
            return name + " " + sound();
        }
    }

    static double area(Shape shape) {
        return switch (shape) {
            case Circle circle -> Math.PI * circle.radius() * circle.radius();
            case Square square -> square.side() * square.side();
        };
    }

    static long[][] multiply(long[][] a, long[][] b) {
        long[][] c = new long[a.length][b[0].length];
        for (int i = 0; i < a.length; i++) {
            for (int j = 0; j < b[0].length; j++) {
                for (int k = 0; k < b.length; k++) {
                    c[i][j] += a[i][k] * b[k][j] % 1_000_000_007L;
                }
            }
        }
        return c;
    }

    public static void main(String[] args) throws Exception {
        Scanner scanner = new Scanner("3 1 2");
        List<Integer> numbers = new ArrayList<>();
        while (scanner.hasNextInt()) {
            numbers.add(scanner.nextInt());
        }
        BufferedReader reader = new BufferedReader(new InputStreamReader(System.in));
        String line = reader.readLine();
        Map<String, List<Integer>> groups = new HashMap<>();
        groups.computeIfAbsent("all", key -> new ArrayList<>()).addAll(numbers);
        TreeMap<Integer, String> sorted = new TreeMap<>(Comparator.reverseOrder());
        PriorityQueue<int[]> queue = new PriorityQueue<>((a, b) -> Integer.compare(a[0], b[0]));
        queue.add(new int[] {1, 2});
        ArrayDeque<Point> stack = new ArrayDeque<>();
        stack.push(new Point(1, 2));
        IntUnaryOperator next = x -> x + 1;
        String joined = IntStream.range(0, 5).map(next).mapToObj(Integer::toString).collect(Collectors.joining(","));
        StringBuilder text = new StringBuilder();
        var joiner = new StringJoiner("; ", "[", "]");
        for (Map.Entry<String, List<Integer>> entry : groups.entrySet()) {
            joiner.add(entry.getKey() + "=" + entry.getValue());
        }
        try {
            Integer.parseInt(line == null ? "none" : line);
        } catch (NumberFormatException exception) {
            text.append(exception.getMessage());
        } finally {
            text.append('.');
        }
        Animal<String> cat = new Animal<>("cat") {
            @Override
            String sound() {
                return """
                        meow
                        """.strip();
            }
        };
        Thread thread = new Thread(() -> sorted.put(1, "one"));
        thread.start();
        thread.join();
        System.out.printf("%s %s %s %s %.2f %s%n", joined, joiner, text, cat, area(new Circle(1)), Colour.RED);
        System.out.println(Arrays.deepToString(multiply(new long[][] {{1}}, new long[][] {{2}})));
        System.out.println(BigInteger.TWO.pow(100).mod(BigInteger.TEN) + " " + stack + queue.size());
    }
}
