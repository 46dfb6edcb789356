"""Which code is not the application's own, where a stack trace names packages instead of files.

The JVM and .NET print no paths of libraries, so that the packages of the runtimes and of widely used libraries are listed.
"""

from __future__ import annotations

from typing import Final

_JVM: Final = """
    java. javax. jakarta. jdk. sun. com.sun. oracle. kotlin. kotlinx. _COROUTINE. scala. groovy. groovyjarjar. clojure.
    org.codehaus.groovy. org.jruby. org.graalvm. com.oracle. android. androidx. dalvik. com.android. libcore.
    org.springframework. org.apache. org.eclipse. org.glassfish. org.jboss. org.wildfly. org.hibernate. io.undertow.
    io.netty. io.grpc. io.vertx. io.quarkus. io.micronaut. io.ktor. io.helidon. io.smallrye. io.dropwizard. reactor.
    io.reactivex. rx. akka. play. cats. zio. monix. io.circe. com.typesafe. io.opentelemetry. io.micrometer.
    io.github.resilience4j. com.netflix. com.fasterxml. com.google.common. com.google.gson. com.google.protobuf.
    com.google.inject. com.google.api. com.google.cloud. com.google.android. com.google.firebase. com.amazonaws.
    software.amazon. com.azure. com.microsoft. com.zaxxer. com.mchange. org.postgresql. com.mysql. org.mariadb. org.h2.
    org.sqlite. org.hsqldb. org.mongodb. com.mongodb. com.datastax. redis.clients. io.lettuce. org.redisson.
    org.elasticsearch. co.elastic. com.rabbitmq. com.hazelcast. com.github.benmanes. org.jooq. org.mybatis. com.querydsl.
    org.flywaydb. liquibase. okhttp3. okio. retrofit2. feign. org.slf4j. ch.qos. org.thymeleaf. freemarker. graphql.
    org.quartz. net.bytebuddy. net.sf. org.aspectj. javassist. org.objectweb. org.xml. org.w3c. org.json. org.yaml.
    org.junit. junit. org.testng. org.mockito. org.hamcrest. org.assertj. org.gradle. worker.org.gradle. com.intellij.
    """
JVM: Final = tuple(_JVM.split())
_DOTNET: Final = """
    System. Microsoft. Windows. MS. Internal. Interop. Mono. Xamarin. FSharp. <StartupCode$ DynamicClass. lambda_method
    OpenTelemetry. Grpc. Google. Newtonsoft. Npgsql. MySql. MySqlConnector. MongoDB. Oracle. StackExchange. SQLitePCL.
    Dapper. NHibernate. AutoMapper. MediatR. Polly. Serilog. NLog. log4net. Hangfire. Quartz. MassTransit. NServiceBus.
    RabbitMQ. Confluent. Amazon. Azure. Castle. Autofac. Ninject. SimpleInjector. FluentValidation. Swashbuckle. NSwag.
    IdentityModel. IdentityServer4. Duende. RestSharp. Refit. Flurl. Elastic. Nest. Elasticsearch. HotChocolate. Orleans.
    Akka. Nancy. ServiceStack. Moq. NSubstitute. NUnit. Xunit. FluentAssertions. UnityEngine. UnityEditor.
    """
DOTNET: Final = tuple(_DOTNET.split())
_GO: Final = """
    archive bufio builtin bytes cmp compress container context crypto database debug embed encoding errors expvar flag
    fmt go hash html image index internal io iter log maps math mime net os path plugin reflect regexp runtime slices sort
    strconv strings structs sync syscall testing text time unicode unique unsafe weak
    """
GO: Final = frozenset(_GO.split())
"""First elements of the import paths of Go's standard library (go1.26)."""
