fn main() {
    print!("Grüße, 世界 🚀");
}
