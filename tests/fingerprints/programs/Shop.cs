using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
//PAD
namespace Acme.Shop
{
    class OrderError : Exception { public OrderError(string m, Exception inner = null) : base(m, inner) { } }
    class Cart<T>
    {
        public static string id;
        Dictionary<string, object> prices = new Dictionary<string, object>();
        object nothing;
        public object Total() { return nothing.ToString(); }
//PAD
        public object Price() { return prices["none" + Cart<string>.id]; }
        public object First(int[] items) { return items[3]; }
        public object Check() { if (Cart<string>.id.Length > 0) throw new OrderError("order " + Cart<string>.id + " was lost on the way"); return null; }
        public object Each() { return new[] { 1, 2 }.Select(n => { if (n > 0) throw new OrderError("item " + Cart<string>.id); return n; }).ToList(); }
        public object Find(string what)
        {
//PAD
            if (what == "a") throw new InvalidOperationException("cart " + Cart<string>.id + " is closed");
            throw new InvalidOperationException("cart " + Cart<string>.id + " has another owner");
        }
        public IEnumerable<int> Items() { yield return 1; throw new NotSupportedException("no items of " + Cart<string>.id); }
        public object Size { get { throw new NotSupportedException("no size of " + Cart<string>.id); } }
    }
    class Invoice
    {
//PAD
        public object Check() { throw new OrderError("invoice " + Cart<string>.id + " is paid"); }
        public object Parse() { return int.Parse("x" + Cart<string>.id); }
        public object ParseAgain() { return int.Parse("y" + Cart<string>.id); }
        public async Task<object> Later() { await Task.Delay(1); throw new TimeoutException("gateway of " + Cart<string>.id + " is down"); }
        public async Task<object> MuchLater() { return await Later(); }
    }
    class Store
    {
        class Shelf { public object Take() { throw new ArgumentException("shelf " + Cart<string>.id); } }
        public object Shelves() { return new Shelf().Take(); }
        public object Open() { try { return File.ReadAllText("/none/" + Cart<string>.id); } catch (IOException e) { throw new OrderError("cannot open " + Cart<string>.id, e); } }
        public object OpenAny(bool which)
        {
            try { return which ? new Cart<int>().Total() : new Invoice().Parse(); }
//PAD
            catch (Exception e) { throw new OrderError("cannot open any " + Cart<string>.id, new InvalidOperationException("between", e)); }
        }
        public object Quoting() { throw new OrderError("remote said " + Cart<string>.id + "\n   at Remote.Fake.Call() in /x/Fake.cs:line 17\n   at Remote.Faker.Call()"); }
        public object Several() { Task.WaitAll(Task.Run(() => new Invoice().Check()), Task.Run(() => new Cart<int>().Price())); return null; }
    }
    static class Program
    {
        static int depth;
        static bool other;
//PAD
        static object Deeper(int n, Func<object> fault) { return n == 0 ? fault() : Deeper(n - 1, fault); }
        static string Encoded(string text) { return Convert.ToBase64String(Encoding.UTF8.GetBytes(text)); }
        static void Run(string name, Func<object> fault)
        {
            try { Deeper(depth, fault); }
            catch (Exception e) { Console.WriteLine(name + "\t" + Encoded(e.GetType().FullName) + "\t" + Encoded(e.Message) + "\t" + Encoded(e.ToString())); }
        }
        static object Reflected() { return typeof(Cart<string>).GetMethod("Check").Invoke(new Cart<string>(), new object[0]); }
        static void Main(string[] args)
        {
            Cart<string>.id = args[0];
            depth = int.Parse(args[1]);
            other = args[2] == "other";
            Action all = () =>
            {
                Run("null", () => new Cart<int>().Total());
                Run("key", () => new Cart<int>().Price());
                Run("index", () => new Cart<int>().First(new int[1]));
                Run("cart-check", () => other ? Reflected() : new Cart<string>().Check());
                Run("each", () => new Cart<int>().Each());
                Run("find", () => new Cart<int>().Find(other ? "b" : "a"));
//PAD
                Run("iterator", () => new Cart<int>().Items().ToList());
                Run("property", () => new Cart<int>().Size);
                Run("invoice-check", () => new Invoice().Check());
                Run("parse", () => new Invoice().Parse());
                Run("parse-again", () => new Invoice().ParseAgain());
                Run("later", () => other ? new Invoice().Later().Result : new Invoice().MuchLater().GetAwaiter().GetResult());
                Run("nested", () => new Store().Shelves());
                Run("open", () => new Store().Open());
                Run("any-cart", () => new Store().OpenAny(true));
                Run("any-invoice", () => new Store().OpenAny(false));
                Run("quoting", () => new Store().Quoting());
                Run("several", () => new Store().Several());
                Run("handler-1", () => { throw new ArgumentException("no stock for " + Cart<string>.id); });
                Run("handler-2", () => { throw new ArgumentException("no address of " + Cart<string>.id); });
            };
            if (other) { var t = new Thread(() => all()); t.Start(); t.Join(); } else all();
        }
    }
}
