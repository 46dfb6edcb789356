package com.acme.shop;
//PAD
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;

public class Shop {
    static String id;
    static int depth;
    static boolean wrapped;
    static final Map<String, Callable<Object>> FAULTS = new LinkedHashMap<>();
//PAD
    static class OrderError extends RuntimeException {
        OrderError(String message, Throwable cause) { super(message, cause); }
    }
    static class Cart {
        Map<String, Integer> prices = new HashMap<>();
        Object total() { return prices.get("none").intValue(); }
//PAD
        Object first(int[] items) { return items[3]; }
        Object check() {
            if (id.length() > 0) throw new OrderError("order " + id + " was lost on the way", null);
            return null;
        }
        Object each() { return List.of(1, 2).stream().map(n -> { throw new OrderError("item " + id, null); }).collect(Collectors.toList()); }
        Object find(String what) {
//PAD
            if (what.equals("a")) throw new IllegalStateException("cart " + id + " is closed");
            throw new IllegalStateException("cart " + id + " has another owner");
        }
        <T> T generic(T x) { return (T) (Integer) (Object) ("no number " + x); }
    }
    static class Invoice {
//PAD
        Object check() { throw new OrderError("invoice " + id + " is paid", null); }
        Object parse() { return Integer.parseInt("x" + id); }
        Object parseAgain() { return Integer.parseInt("y" + id); }
        Object runner() throws Exception {
            return new Callable<Object>() {
//PAD
                public Object call() { throw new UnsupportedOperationException("anonymous class " + id); }
            }.call();
        }
    }
    static class Store {
        Object load() { throw new java.io.UncheckedIOException("disk " + id, new java.io.IOException("no block " + id)); }
        Object open() {
//PAD
            try { return new java.io.FileInputStream("/none/" + id); }
            catch (java.io.IOException e) { throw new OrderError("cannot open " + id, e); }
        }
        Object openCart() {
            try { return new Cart().total(); }
            catch (RuntimeException e) { throw new OrderError("cannot open " + id, e); }
        }
        Object openInvoice() {
            try { return new Invoice().parse(); }
            catch (RuntimeException e) { throw new OrderError("cannot open " + id, e); }
        }
        Object openAny(boolean which) {
            try { return which ? new Cart().total() : new Invoice().parse(); }
//PAD
            catch (RuntimeException e) { throw new OrderError("cannot open any " + id, new IllegalStateException("between", e)); }
        }
        Object ping(int n) { return pong(n + 1); }
        Object pong(int n) { return ping(n + 1); }
        Object closing() throws Exception {
            try (AutoCloseable c = () -> { throw new IllegalStateException("close " + id); }) { throw new OrderError("body " + id, null); }
        }
        Object quoting() {
            throw new OrderError("remote said " + id + "\n\tat com.remote.Fake.call(Fake.java:17)\nCaused by: com.remote.Gone: no", null);
        }
    }
//PAD
    static Object pooled() throws Exception {
        var pool = Executors.newSingleThreadExecutor();
        try { return pool.submit(() -> new Invoice().check()).get(); } finally { pool.shutdown(); }
    }
    static Object later() { return CompletableFuture.supplyAsync(() -> new Cart().first(new int[1])).join(); }
    static Object reflected() throws Exception { return Cart.class.getDeclaredMethod("check").invoke(new Cart()); }

    static {
        FAULTS.put("null", () -> new Cart().total());
        FAULTS.put("index", () -> wrapped ? later() : new Cart().first(new int[1]));
        FAULTS.put("cart-check", () -> wrapped ? reflected() : new Cart().check());
        FAULTS.put("invoice-check", () -> wrapped ? pooled() : new Invoice().check());
        FAULTS.put("lambda", () -> new Cart().each());
        FAULTS.put("find", () -> new Cart().find(wrapped ? "b" : "a"));
//PAD
        FAULTS.put("cast", () -> { Integer n = new Cart().generic(7); return n; });
        FAULTS.put("parse", () -> new Invoice().parse());
        FAULTS.put("parse-again", () -> new Invoice().parseAgain());
        FAULTS.put("anonymous-class", () -> new Invoice().runner());
        FAULTS.put("load", () -> new Store().load());
        FAULTS.put("open", () -> new Store().open());
        FAULTS.put("open-cart", () -> new Store().openCart());
        FAULTS.put("open-invoice", () -> new Store().openInvoice());
        FAULTS.put("any-cart", () -> new Store().openAny(true));
        FAULTS.put("any-invoice", () -> new Store().openAny(false));
        FAULTS.put("recursion", () -> id.length() % 2 == 0 ? new Store().ping(0) : new Store().pong(0));
        FAULTS.put("suppressed", () -> new Store().closing());
        FAULTS.put("quoting", () -> new Store().quoting());
        FAULTS.put("handler-1", () -> { throw new IllegalArgumentException("no stock for " + id); });
        FAULTS.put("handler-2", () -> { throw new IllegalArgumentException("no address of " + id); });
        FAULTS.put("concurrent", () -> { var l = new java.util.ArrayList<>(List.of(1, 2)); for (var x : l) l.add(x); return l; });
    }

    static Object deeper(int n, Callable<Object> fault) throws Exception {
        return n == 0 ? fault.call() : deeper(n - 1, fault);
    }
    static String encoded(String text) { return Base64.getEncoder().encodeToString(String.valueOf(text).getBytes(java.nio.charset.StandardCharsets.UTF_8)); }

    static void run(String name, Callable<Object> fault) {
        try { deeper(depth, fault); throw new Error("did not fail: " + name); }
        catch (Throwable e) {
            var out = new StringWriter();
            e.printStackTrace(new PrintWriter(out));
            System.out.println(name + "\t" + encoded(e.getClass().getName()) + "\t" + encoded(e.getMessage()) + "\t" + encoded(out.toString()));
        }
    }
    public static void main(String[] args) throws Exception {
        id = args[0];
        depth = Integer.parseInt(args[1]);
        wrapped = args[2].equals("other");
        if (wrapped) {
            var thread = new Thread(() -> FAULTS.forEach(Shop::run));
            thread.start();
            thread.join();
        } else { FAULTS.forEach(Shop::run); }
    }
}
