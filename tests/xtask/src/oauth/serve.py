# An authorisation server of Authlib: a code with PKCE, rotating refresh tokens, clients
# that stand for themselves, assertions. Whoever opens the address of a sign-in agrees.
# Ends as soon as standard input ends.
import os
import secrets
import sys
import threading
import time

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector
from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc6750 import BearerTokenGenerator, BearerTokenValidator
from authlib.oauth2.rfc7523 import JWTBearerGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from flask import Flask, Response, jsonify, request
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

port, client_id, client_secret, redirect, first, public_key, token = sys.argv[1:]
app = Flask(__name__)
codes, tokens, seen = {}, [], []


class Client:
    client_id, client_secret = client_id, client_secret
    scope = "read write https://www.googleapis.com/auth/datamanager"

    def get_client_id(self):
        return self.client_id

    def get_default_redirect_uri(self):
        return redirect

    def get_allowed_scope(self, scope):
        return scope if set((scope or "").split()) <= set(self.scope.split()) else ""

    def check_redirect_uri(self, uri):
        return uri == redirect

    def check_client_secret(self, secret):
        return secrets.compare_digest(secret, self.client_secret)

    def check_endpoint_auth_method(self, method, endpoint):
        return method in ("client_secret_basic", "client_secret_post")

    def check_response_type(self, kind):
        return kind == "code"

    def check_grant_type(self, kind):
        return True


class Token:
    def __init__(self, values):
        self.__dict__.update(values, issued=time.time(), revoked=False)

    def check_client(self, client):
        return True

    def get_scope(self):
        return getattr(self, "scope", "")

    def get_expires_in(self):
        return self.expires_in

    def is_expired(self):
        return self.issued + self.expires_in < time.time()

    def is_revoked(self):
        return self.revoked

    def get_user(self):
        return "ana"

    def get_client(self):
        return Client()


class Code:
    def __init__(self, **values):
        self.__dict__.update(values)

    def get_redirect_uri(self):
        return self.redirect_uri

    def get_scope(self):
        return self.scope

    def is_expired(self):
        return False


class CodeGrant(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]

    def save_authorization_code(self, code, request):
        payload = request.payload
        codes[code] = Code(
            code=code,
            redirect_uri=payload.redirect_uri,
            scope=payload.scope,
            code_challenge=payload.data.get("code_challenge"),
            code_challenge_method=payload.data.get("code_challenge_method"),
        )

    def query_authorization_code(self, code, client):
        return codes.get(code)

    def delete_authorization_code(self, code):
        del codes[code.code]

    def authenticate_user(self, code):
        return "ana"


class RefreshGrant(grants.RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, text):
        found = [it for it in tokens if getattr(it, "refresh_token", None) == text]
        return next((it for it in found if not it.revoked), None)

    def authenticate_user(self, credential):
        return "ana"

    def revoke_old_credential(self, credential):
        credential.revoked = True


class ClientGrant(grants.ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]


class AssertionGrant(JWTBearerGrant):
    def get_audiences(self):
        return [f"http://127.0.0.1:{port}/token"]

    def resolve_issuer_client(self, issuer):
        return Client()

    def resolve_client_public_key(self, client):
        with open(public_key) as file:
            return RSAKey.import_key(file.read())

    def authenticate_user(self, subject):
        return subject

    def has_granted_permission(self, client, user):
        return True


class Bearer(BearerTokenValidator):
    def authenticate_token(self, text):
        found = [it for it in tokens if it.access_token == text]
        return found[-1] if found else None


app.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = True
server = AuthorizationServer(
    app,
    query_client=lambda given: Client() if given == client_id else None,
    save_token=lambda token, request: tokens.append(Token(token)),
)
if token:
    # One that another double lets in.
    server.register_token_generator(
        "default",
        BearerTokenGenerator(
            lambda *_, **__: token, lambda *_, **__: secrets.token_urlsafe(32)
        ),
    )
server.register_grant(CodeGrant, [CodeChallenge(required=True)])
server.register_grant(RefreshGrant)
server.register_grant(ClientGrant)
server.register_grant(AssertionGrant)
protect = ResourceProtector()
protect.register_token_validator(Bearer())
if first:
    given = {"access_token": "none", "refresh_token": first, "expires_in": 3600}
    tokens.append(Token(given | {"scope": Client.scope}))


@app.get("/authorize")
def authorize():
    return server.create_authorization_response(grant_user="ana")


@app.post("/token")
def issue():
    seen.append(request.form.get("grant_type", ""))
    return server.create_token_response()


@app.get("/data")
@protect()
def data():
    return Response("let in")


@app.get("/seen")
def show():
    live = [getattr(it, "refresh_token", None) for it in tokens]
    return jsonify({"grants": seen, "refresh": [it for it in live if it]})


def end_with_input():
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=end_with_input, daemon=True).start()

listening = make_server("127.0.0.1", int(port), app, threaded=True)
print("ready", flush=True)
listening.serve_forever()
