import hashlib
import hmac
import re
import time


def is_genuine(raw_body: bytes, headers, api_secret: str, now_seconds=None) -> bool:
    """Whether a webhook is CryptoPocket's and fresh.

    raw_body: the bytes of the body as they came, before any parsing
              (Flask: request.get_data(), Django: request.body).
    headers:  anything with .get(); frameworks' headers find names in any case.
    """
    timestamp = headers.get("x-timestamp", "")
    signature = headers.get("x-signature", "")
    now = time.time() if now_seconds is None else now_seconds
    if not re.fullmatch("[0-9]{1,12}", timestamp) or abs(now - int(timestamp)) > 300:
        return False
    message = raw_body + timestamp.encode()
    expected = hmac.new(api_secret.encode(), message, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.encode())
