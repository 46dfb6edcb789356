// Runs in Node (as it is, bundled and minified) and in SpiderMonkey's shell.
const node = typeof process === 'object';
const args = node ? process.argv.slice(2) : ARGV;
const id = args[0];
const depth = Number(args[1]);
const other = args[2] === 'other';
const print_ = node ? console.log : print;
//PAD
class OrderError extends Error {
  constructor(message, options) { super(message, options); this.name = 'OrderError'; }
}
class Cart {
  total() { const prices = {}; return prices.missing.value; }
//PAD
  check() { throw new OrderError(`order ${id} was lost on the way`); }
  each() { return [1, 2].map((n) => { throw new OrderError(`item ${id}`); }); }
  nested() { return [[1]].forEach(function (row) { row.forEach((n) => { JSON.parse('{' + id); }); }); }
  find(what) {
//PAD
    if (what === 'a') throw new RangeError(`cart ${id} is closed`);
    throw new RangeError(`cart ${id} has another owner`);
  }
  get size() { throw new TypeError(`no size for ${id}`); }
  static create() { throw new TypeError(`cannot create ${id}`); }
}
class BigCart extends Cart {}
//PAD
class Invoice {
  verify() { throw new OrderError(`invoice ${id} is paid`); }
  parse() { return JSON.parse('x' + id); }
  parseAgain() { return JSON.parse('y' + id); }
  async later() { await null; return this.verify(); }
  async fetchAll() { await null; throw new OrderError(`gateway of ${id} is down`); }
}
function openCart() {
  try { return new Cart().total(); }
//PAD
  catch (error) { throw new OrderError(`cannot open ${id}`, { cause: error }); }
}
function openAny(which) {
  try { return which ? new Cart().total() : new Invoice().parse(); }
  catch (error) { throw new OrderError(`cannot open any ${id}`, { cause: error }); }
}
function ping(n) { return pong(n + 1) + 1; }
//PAD
function pong(n) { return ping(n + 1) + 1; }
const handlers = {
  legacy: function () { throw new Error(`legacy call for ${id}`); },
  modern: () => { undefinedName(); },
};
function quoting() { throw new OrderError('remote said ' + id + '\n    at fake (/srv/fake.js:17:3)\n    at faker (/srv/fake.js:1:1)'); }
async function rejected() { return Promise.reject(new Error(`rejected ${id}`)); }
//PAD
const faults = {
  'undefined': () => (other ? new BigCart() : new Cart()).total(),
  'check': () => (other ? new BigCart() : new Cart()).check(),
  'verify': () => (other ? new Invoice().later() : new Invoice().verify()),
  'callback': () => new Cart().each(),
  'nested': () => new Cart().nested(),
  'find': () => new Cart().find(other ? 'b' : 'a'),
  'getter': () => new Cart().size,
  'static': () => Cart.create(),
  'parse': () => new Invoice().parse(),
  'parse-again': () => new Invoice().parseAgain(),
  'fetch-all': () => new Invoice().fetchAll(),
  'open-cart': () => openCart(),
  'open-any': () => openAny(true),
  'recursion': () => (id.length % 2 ? ping(0) : pong(0)),
  'legacy': () => handlers.legacy(),
  'modern': () => handlers.modern(),
  'quoting': () => quoting(),
  'rejected': () => rejected(),
};
const routes = [];
function route(name, handler) { routes.push([name, handler]); }
route('route-1', () => { throw new Error(`no stock for ${id}`); });
//PAD
route('route-2', () => { throw new Error(`no address of ${id}`); });
route('route-3', async () => { await null; throw new TypeError(`no mail for ${id}`); });
function deeper(n, fault) { return n === 0 ? fault() : deeper(n - 1, fault); }
async function run(name, fault) {
  try { await deeper(depth, fault); } catch (error) {
    print_(JSON.stringify({ fault: name, type: error.name, message: error.message, stack: String(error.stack) }));
    if (node && error.cause) print_(JSON.stringify({ fault: name + ' with its cause', type: error.name, message: error.message,
      stack: require('util').inspect(error) }));
  }
}
async function main() {
  for (const [name, fault] of [...Object.entries(faults), ...routes]) await run(name, fault);
}
main();
