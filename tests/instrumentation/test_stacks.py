"""Stack traces as runtimes, loggers and frameworks print them: which frame and which causes stand for the error.

What is shown here follows the formats that the readers name; `tests/fingerprints` has stacks of running programs.
"""

from __future__ import annotations

import pytest

from errorplane.errors._foreign import foreign_trail

# Name of the case: text, place, types and places of the causes, whether the message counts too.
CASES: dict[str, tuple[str, str | None, tuple[tuple[str, str | None], ...], bool]] = {
    'Logback with packaging data, proxies and common frames': (
        """\
org.springframework.web.util.NestedServletException: Request processing failed; nested exception is java.lang.IllegalStateException: x
	at org.springframework.web.servlet.FrameworkServlet.processRequest(FrameworkServlet.java:1014) ~[spring-webmvc-5.3.22.jar!/:5.3.22]
	at javax.servlet.http.HttpServlet.service(HttpServlet.java:655) ~[tomcat-embed-core-9.0.65.jar!/:na]
	at com.example.demo.OrderController$$EnhancerBySpringCGLIB$$3f2a1c.place(<generated>) ~[classes!/:na]
	at java.base/java.lang.Thread.run(Thread.java:833) ~[na:na]
Caused by: java.lang.IllegalStateException: x
	at com.example.demo.OrderService.lambda$place$3(OrderService.java:42) ~[classes!/:na]
	at java.base/java.util.Optional.orElseThrow(Optional.java:403) ~[na:na]
	at com.example.demo.OrderController.place(OrderController.java:21) ~[classes!/:na]
	... 51 common frames omitted
""",
        'com.example.demo.OrderController:place', (('java.lang.IllegalStateException', 'com.example.demo.OrderService:place'),), False,
    ),
    'Logback, the root cause first': (
        """\
java.sql.SQLException: no
	at com.acme.Db.query(Db.java:1)
Wrapped by: com.acme.StoreException: store
	at com.acme.Store.load(Store.java:5)
	... 3 common frames omitted
""",
        'com.acme.Store:load', (('java.sql.SQLException', 'com.acme.Db:query'),), False,
    ),
    'Kotlin coroutine': (
        """\
kotlin.KotlinNullPointerException
	at com.acme.CartKt$total$1.invokeSuspend(Cart.kt:17)
	at kotlin.coroutines.jvm.internal.BaseContinuationImpl.resumeWith(ContinuationImpl.kt:33)
	at kotlinx.coroutines.DispatchedTask.run(DispatchedTask.kt:106)
""",
        'com.acme.CartKt$total:invokeSuspend', (), False,
    ),
    'Scala closure': (
        """\
java.util.NoSuchElementException: None.get
	at scala.None$.get(Option.scala:529)
	at com.acme.Cart$.$anonfun$total$1(Cart.scala:12)
	at scala.collection.immutable.List.map(List.scala:246)
	at com.acme.Cart$.total(Cart.scala:12)
""",
        'com.acme.Cart$:total', (), False,
    ),
    'Android, obfuscated': (
        """\
java.lang.RuntimeException: Unable to start activity ComponentInfo{com.acme/com.acme.MainActivity}: java.lang.NullPointerException
	at android.app.ActivityThread.performLaunchActivity(ActivityThread.java:3449)
	at a.b.c.a(SourceFile:12)
Caused by: java.lang.NullPointerException
	at com.acme.MainActivity.onCreate(MainActivity.kt:27)
	at android.app.Activity.performCreate(Activity.java:8000)
	... 11 more
""",
        'a.b.c:a', (('java.lang.NullPointerException', 'com.acme.MainActivity:onCreate'),), True,
    ),
    'ASP.NET Core': (
        """\
System.InvalidOperationException: Sequence contains no elements
   at System.Linq.ThrowHelper.ThrowNoElementsException()
   at System.Linq.Enumerable.First[TSource](IEnumerable`1 source)
   at Shop.Controllers.CartController.<>c__DisplayClass3_0.<<Get>b__0>d.MoveNext() in /src/Shop/Controllers/CartController.cs:line 31
--- End of stack trace from previous location ---
   at Shop.Controllers.CartController.Get(Int32 id) in /src/Shop/Controllers/CartController.cs:line 29
   at lambda_method5(Closure, Object)
   at Microsoft.AspNetCore.Mvc.Infrastructure.ActionMethodExecutor.AwaitableObjectResultExecutor.Execute(ActionContext actionContext)
""",
        'Shop.Controllers.CartController.Get', (), False,
    ),
    'C# top-level statements': (
        """\
Unhandled exception. System.Exception: boom
   at Program.<<Main>$>g__Boom|0_0() in C:\\src\\Program.cs:line 3
   at Program.<Main>$(String[] args) in C:\\src\\Program.cs:line 1
""",
        'Program.Main.Boom', (), False,
    ),
    'the .NET Framework in German': (
        """\
System.NullReferenceException: Der Objektverweis wurde nicht auf eine Objektinstanz festgelegt.
   bei Acme.Shop.Cart.Total() in C:\\src\\Cart.cs:Zeile 17.
   bei Acme.Shop.Program.Main(String[] args) in C:\\src\\Program.cs:Zeile 5.
""",
        'Acme.Shop.Cart.Total', (), False,
    ),
    'F# closure': (
        """\
System.Exception: boom
   at Microsoft.FSharp.Core.PrintfModule.PrintFormatToStringThenFail@1448.Invoke(String message)
   at Shop.Cart.total@17.Invoke(Unit unitVar)
   at Shop.Cart.run(FSharpFunc`2 f)
""",
        'Shop.Cart.total', (), False,
    ),
    '.NET ahead of time': (
        """\
System.Exception: boom
   at Shop.Cart.Total(Int32) + 0x1d
   at Shop.Program.Main(String[]) + 0x2a
""",
        'Shop.Cart.Total', (), False,
    ),
    'Mono in a game': (
        """\
NullReferenceException: Object reference not set to an instance of an object
  at Player.Update () [0x00007] in C:\\Game\\Player.cs:12 
""",
        'Player.Update', (), False,
    ),
    'Node 8': (
        """\
Error: connect ECONNREFUSED 127.0.0.1:5432
    at Object._errnoException (util.js:1022:11)
    at _exceptionWithHostPort (util.js:1044:20)
    at TCPConnectWrap.afterConnect [as oncomplete] (net.js:1198:14)
""",
        'util:_errnoException', (), False,
    ),
    'Express': (
        """\
TypeError: Cannot read property 'x' of undefined
    at exports.getCart (/srv/app/controllers/cart.js:10:20)
    at Layer.handle [as handle_request] (/srv/app/node_modules/express/lib/router/layer.js:95:5)
""",
        'cart:getCart', (), False,
    ),
    'TypeScript for ES5': (
        """\
Error: x
    at Cart.<anonymous> (/srv/app/dist/cart.js:44:23)
    at step (/srv/app/dist/cart.js:33:23)
    at Object.next (/srv/app/dist/cart.js:14:53)
    at fulfilled (/srv/app/dist/cart.js:5:58)
""",
        'cart:<anonymous>', (), True,
    ),
    'webpack in development': (
        """\
TypeError: Cannot read properties of undefined (reading 'map')
    at ProductList (webpack-internal:///./src/components/ProductList.jsx:17:33)
    at renderWithHooks (webpack-internal:///./node_modules/react-dom/cjs/react-dom.development.js:14985:18)
""",
        'ProductList:ProductList', (), False,
    ),
    'Safari, a bundle': (
        """\
render@https://shop.example/assets/index-BxK3l9aQ.js:40:12345
map@[native code]
hn@https://shop.example/assets/index-BxK3l9aQ.js:40:4567
global code@https://shop.example/assets/index-BxK3l9aQ.js:41:1
""",
        'index:render', (), True,
    ),
    'Firefox, a bundle': (
        """\
total@https://shop.example/static/js/main.3f2a1c9d.chunk.js:1:12345
promise callback*load@https://shop.example/static/js/main.3f2a1c9d.chunk.js:1:222
EventListener.handleEvent*@https://shop.example/static/js/main.3f2a1c9d.chunk.js:1:22
""",
        'main:total', (), True,
    ),
    'a bundle of Turbopack': (
        """\
Error: x
    at Page (.next/server/chunks/ssr/[root-of-the-server]__a1b2c3._.js:120:11)
    at getData (/app/.next/server/app/orders/page.js:1:2345)
""",
        '[root-of-the-server]:Page', (), True,
    ),
    'Deno': (
        """\
error: Uncaught (in promise) TypeError: boom
    at total (file:///srv/cart.ts:3:9)
    at async Server.<anonymous> (https://deno.land/std@0.140.0/http/server.ts:200:5)
    at ext:deno_http/00_serve.ts:369:24
""",
        'cart:total', (), False,
    ),
    'Go, recorded by the OpenTelemetry SDK': (
        """\
goroutine 35 [running]:
go.opentelemetry.io/otel/sdk/trace.recordStackTrace()
	/root/go/pkg/mod/go.opentelemetry.io/otel/sdk@v1.21.0/trace/span.go:427 +0x45
go.opentelemetry.io/otel/sdk/trace.(*recordingSpan).RecordError(0xc000194000, {0x9a3bc0, 0xc000012345}, {0xc00011fe58, 0x1, 0x1})
	/root/go/pkg/mod/go.opentelemetry.io/otel/sdk@v1.21.0/trace/span.go:360 +0x2ae
main.handle({0x9a5f10, 0xc0000b4000})
	/home/jo/shop/main.go:41 +0x1ab
""",
        None, (), False,
    ),
    'Go, net/http recovers': (
        """\
http: panic serving 127.0.0.1:41234: runtime error: invalid memory address or nil pointer dereference
goroutine 19 [running]:
net/http.(*conn).serve.func1()
	/usr/local/go/src/net/http/server.go:1868 +0xb9
panic({0x653e80?, 0x8a1d40?})
	/usr/local/go/src/runtime/panic.go:920 +0x270
example.com/shop/cart.(*Service).Total(...)
	/home/jo/shop/cart/service.go:31
example.com/shop/api.NewRouter.func2.1({0x713b58, 0xc0001e2000}, 0xc0001d6000)
	/home/jo/shop/api/router.go:55 +0x1d
net/http.HandlerFunc.ServeHTTP(0x0?, {0x713b58?, 0xc0001e2000?}, 0x0?)
	/usr/local/go/src/net/http/server.go:2136 +0x29
created by net/http.(*Server).Serve in goroutine 1
	/usr/local/go/src/net/http/server.go:3086 +0x5cb
""",
        'example.com/shop/cart.(*Service).Total', (), False,
    ),
    'Go, pkg/errors': (
        """\
no row
main.load
	/home/jo/shop/main.go:12
main.main
	/home/jo/shop/main.go:20
runtime.main
	/usr/local/go/src/runtime/proc.go:250
runtime.goexit
	/usr/local/go/src/runtime/asm_amd64.s:1594
""",
        'main.load', (), False,
    ),
    'Go, deadlock': (
        """\
fatal error: all goroutines are asleep - deadlock!

goroutine 1 [chan receive]:
main.wait(...)
	/tmp/x.go:9
main.main()
	/tmp/x.go:5 +0x28
exit status 2
""",
        'main.wait', (), False,
    ),
    'Ruby 3.4': (
        """\
/srv/app/models/cart.rb:17:in 'Hash#fetch': key not found: :x (KeyError)
	from /srv/app/models/cart.rb:17:in 'block in Shop::Cart#total'
	from /srv/app/models/cart.rb:16:in 'Array#each'
	from /srv/app/models/cart.rb:16:in 'Shop::Cart#total'
	from /usr/local/bundle/gems/actionpack-7.1.2/lib/action_controller/metal/basic_implicit_render.rb:6:in 'ActionController::BasicImplicitRender#send_action'
""",
        'cart:total', (), False,
    ),
    'Rails, cleaned': (
        """\
activerecord (7.0.4) lib/active_record/core.rb:284:in `find'
app/controllers/orders_controller.rb:12:in `show'
actionpack (7.0.4) lib/action_controller/metal/basic_implicit_render.rb:6:in `send_action'
""",
        'orders_controller:show', (), False,
    ),
    'Ruby, a view': (
        """\
/srv/app/views/orders/show.html.erb:3:in `_app_views_orders_show_html_erb___1234567890_12340': undefined method `x' for nil:NilClass (ActionView::Template::Error)
	from /usr/local/bundle/gems/actionview-7.0.4/lib/action_view/base.rb:244:in `public_send'
""",
        'show:orders_show_html_erb', (), False,
    ),
    'Ruby, did you mean': (
        """\
cart.rb:3:in `total': undefined local variable or method `foo' for main:Object (NameError)
Did you mean?  for
	from cart.rb:9:in `<main>'
""",
        'cart:total', (), False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_frame_that_stands_for_the_error(name: str) -> None:
    """The innermost frame of the application's own code, under a name without numbers of a compiler."""
    text, place, causes, worded = CASES[name]
    trail = foreign_trail("", "", text)
    assert trail is not None
    assert trail.error.place == place
    assert tuple(map(tuple, trail.causes)) == causes
    assert trail.worded is worded


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/srv/shop/cart.js", "cart"),
        ("https://shop.example/cart.min.js?v=3f2a", "cart"),
        ("/assets/index-BxK3l9aQ.js", "index"),
        ("/assets/index-DQ-c5_Kv.js", "index"),
        ("/static/js/main.3f2a1c9d.chunk.js", "main"),
        ("/assets/chunk-5XQ2ABCD.js", "chunk"),
        ("/js/417.3f2a1c9d8e7f.js", "#"),
        ("/srv/OAuth2Client.js", "OAuth2Client"),
        ("/srv/user-settings.js", "user-settings"),
        ("/srv/admin-userPage.js", "admin-userPage"),
        ("/srv/page-2.js", "page-2"),
        ("/srv/sha256.js", "sha256"),
        ("C:\\shop\\cart.ts", "cart"),
    ],
)
def test_the_name_of_a_script(path: str, name: str) -> None:
    """A file keeps its name without the hash, the number and the words that a bundler put into it."""
    trail = foreign_trail("Error", "x", f"Error: x\n    at total ({path}:1:2)")
    assert trail is not None
    assert trail.error.place == f"{name}:total"
