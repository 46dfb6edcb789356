require "json"
require "base64"
#PAD
ID = ARGV[0]
DEPTH = Integer(ARGV[1])
OTHER = ARGV[2] == "other"

class OrderError < StandardError; end
module Acme
  class Cart
    def total
      nothing = nil
      nothing.value
    end
#PAD
    def price
      { a: 1 }.fetch(:none)
    end

    def check
      raise OrderError, "order #{ID} was lost on the way"
    end

    def each
      [1, 2].each do |item|
        [item].map { |x| raise OrderError, "item #{ID}" }
      end
    end

    def find(what)
#PAD
      raise ArgumentError, "cart #{ID} is closed" if what == "a"

      raise ArgumentError, "cart #{ID} has another owner"
    end

    def zero(n)
      10 / n
    end

    def self.create
      raise TypeError, "cannot create #{ID}"
    end
  end

  class Invoice
    def verify
#PAD
      raise OrderError, "invoice #{ID} is paid"
    end

    def parse
      JSON.parse("{#{ID}")
    end

    def parse_again
      JSON.parse("[#{ID}")
    end

    def number
      Integer("x#{ID}")
    end

    def frozen
      "x".freeze << ID
    end
  end
end

def open_cart
  Acme::Cart.new.total
#PAD
rescue StandardError
  raise OrderError, "cannot open #{ID}"
end

def open_any(which)
  which ? Acme::Cart.new.total : Acme::Invoice.new.number
rescue StandardError
  begin
    raise "between"
  rescue StandardError
    raise OrderError, "cannot open any #{ID}"
  end
end

def ping(n)
  pong(n + 1)
end

#PAD
def pong(n)
  ping(n + 1)
end

def quoting
  raise OrderError, "remote said #{ID}\n/srv/fake.rb:17:in `fake': gone (Gone)\n\tfrom /srv/fake.rb:1:in `<main>'"
end

FAULTS = {
  "nil" => -> { Acme::Cart.new.total },
  "key" => -> { Acme::Cart.new.price },
  "check" => -> { Acme::Cart.new.check },
  "each" => -> { Acme::Cart.new.each },
  "find" => -> { Acme::Cart.new.find(OTHER ? "b" : "a") },
  "zero" => -> { Acme::Cart.new.zero(0) },
  "create" => -> { Acme::Cart.create },
#PAD
  "verify" => -> { Acme::Invoice.new.verify },
  "parse" => -> { Acme::Invoice.new.parse },
  "parse-again" => -> { Acme::Invoice.new.parse_again },
  "number" => -> { Acme::Invoice.new.number },
  "frozen" => -> { Acme::Invoice.new.frozen },
  "open-cart" => -> { open_cart },
  "any-cart" => -> { open_any(true) },
  "any-invoice" => -> { open_any(false) },
  "recursion" => -> { ID.size.even? ? ping(0) : pong(0) },
  "quoting" => -> { quoting },
  "handler-1" => -> { raise IOError, "no stock for #{ID}" },
  "handler-2" => -> { raise IOError, "no address of #{ID}" },
}.freeze

def deeper(n, fault)
  n.zero? ? fault.call : deeper(n - 1, fault)
end

def emit(name, error, text)
  fields = [error.class.name, error.message, text].map { |field| Base64.strict_encode64(field.encode("UTF-8")) }
  puts [name, *fields].join("\t")
end

def run(name, fault)
  deeper(DEPTH, fault)
rescue Exception => e # the stack's end is no StandardError
  emit(name, e, e.full_message(highlight: false, order: :top))
  emit(name, e, e.full_message(highlight: OTHER, order: :bottom))
  emit(name, e, e.backtrace.first(50).join("\n")) unless e.cause # which it does not tell
end

work = -> { FAULTS.each { |name, fault| run(name, fault) } }
OTHER ? Thread.new(&work).join : work.call
