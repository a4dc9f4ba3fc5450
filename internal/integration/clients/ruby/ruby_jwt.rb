# The functions of clients_test.go, by the gem jwt.
#
# Answers requests, one JSON object a line, until the input ends.
require "json"
require "jwt"
require "openssl"
begin
  require "rbnacl" # the gem jwt needs it for EdDSA
rescue LoadError
end

CURVES = { "ES256" => "prime256v1", "ES384" => "secp384r1", "ES512" => "secp521r1", "ES256K" => "secp256k1" }.freeze
PAIRS = {}

def pair(alg)
  if CURVES[alg]
    PAIRS[alg] ||= OpenSSL::PKey::EC.generate(CURVES[alg])
  elsif alg.start_with?("Ed")
    PAIRS["Ed"] ||= RbNaCl::Signatures::Ed25519::SigningKey.generate
  else
    PAIRS["RSA"] ||= OpenSSL::PKey::RSA.generate(2048)
  end
end

def import_key(key, alg)
  text = key["text"]
  case key["format"]
  when "secret" then text
  when "pem" then OpenSSL::PKey.read(text)
  when "jwk" then import_jwk(JSON.parse(text))
  else raise "format #{key["format"]}"
  end
end

# The gem jwt has no JWK of Ed25519.
def import_jwk(jwk)
  return JWT::JWK.import(jwk).keypair unless jwk["kty"] == "OKP"
  return RbNaCl::Signatures::Ed25519::SigningKey.new(JWT::Base64.url_decode(jwk["d"])) if jwk["d"]

  RbNaCl::Signatures::Ed25519::VerifyKey.new(JWT::Base64.url_decode(jwk["x"]))
end

def about(request)
  known = JWT::Algos::ALGOS.flat_map { |a| a::SUPPORTED }
  { "version" => JWT::VERSION::STRING, "algorithms" => request["algorithms"] & known }
end

def generate(request)
  alg = request["alg"]
  key = pair(alg)
  if alg.start_with?("Ed")
    encode = ->(bytes) { JWT::Base64.url_encode(bytes) }
    public_jwk = { kty: "OKP", crv: "Ed25519", x: encode.(key.verify_key.to_bytes), alg: alg }
    return { "private" => { "jwk" => public_jwk.merge(d: encode.(key.to_bytes)).to_json }, "public" => { "jwk" => public_jwk.to_json } }
  end
  jwk = JWT::JWK.new(key)
  public_key = key.is_a?(OpenSSL::PKey::EC) ? OpenSSL::PKey.read(key.public_to_pem) : key.public_key
  {
    "private" => { "pem" => key.to_pem, "jwk" => jwk.export(include_private: true).merge(alg: alg).to_json },
    "public" => { "pem" => public_key.to_pem, "jwk" => jwk.export.merge(alg: alg).to_json },
  }
end

def sign(request)
  alg = request["alg"]
  { "token" => JWT.encode(JSON.parse(request["claims"]), import_key(request["key"], alg), alg, { kid: request["kid"], typ: "JWT" }) }
end

def verify(request)
  options = { algorithms: [request["alg"]] }
  options.update(aud: request["audience"], verify_aud: true) if request["audience"]
  options.update(iss: request["issuer"], verify_iss: true) if request["issuer"]
  key = nil
  if request["key"]["format"] == "jwks"
    options[:jwks] = JSON.parse(request["key"]["text"], symbolize_names: true)
  else
    key = import_key(request["key"], request["alg"])
  end
  { "claims" => JWT.decode(request["token"], key, true, options)[0].to_json }
end

$stdin.each_line do |line|
  request = JSON.parse(line)
  begin
    answer = send(request["op"], request)
  rescue StandardError => e
    answer = { "error" => "#{e.class}: #{e.message}" }
  end
  $stdout.puts answer.to_json
  $stdout.flush
end
