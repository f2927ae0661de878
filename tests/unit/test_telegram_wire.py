"""The local Telegram's framing, encryption, key exchange and session rules, without a socket."""

from __future__ import annotations

import gzip
import os
import struct
import zlib
from collections.abc import Callable
from hashlib import sha1, sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, settings
from hypothesis import strategies as st
from telethon.tl import functions, types

from tests.telegram.mtproto import crypto, tl
from tests.telegram.mtproto.envelope import BadMessage, Message, open_message, seal_message
from tests.telegram.mtproto.keyexchange import DH_PRIME, ExchangeFailed, G, KeyExchange
from tests.telegram.mtproto.keyring import AuthKey, Keyring
from tests.telegram.mtproto.rsakey import ServerKey
from tests.telegram.mtproto.session import Session
from tests.telegram.mtproto.transports import BadStream, Full, Transport
from tests.telegram.older_layers import in_layer

SERVER_KEY = ServerKey.load()


# AES


def reference_ige(data: bytes, key: bytes, iv: bytes, *, encrypt: bool) -> bytes:
    """AES-IGE from single AES blocks, as the definition has it."""
    ecb = Cipher(algorithms.AES(key), modes.ECB())
    block = (ecb.encryptor() if encrypt else ecb.decryptor()).update
    previous_out, previous_in = (iv[:16], iv[16:]) if encrypt else (iv[16:], iv[:16])
    result = b""
    for at in range(0, len(data), 16):
        chunk = data[at : at + 16]
        mixed = bytes(a ^ b for a, b in zip(chunk, previous_out, strict=True))
        out = bytes(a ^ b for a, b in zip(block(mixed), previous_in, strict=True))
        result += out
        previous_out, previous_in = out, chunk
    return result


@settings(max_examples=30)
@given(st.binary(min_size=1, max_size=20), st.binary(min_size=32, max_size=32), st.integers(1, 20))
def test_ige_is_what_the_definition_says(seed: bytes, iv: bytes, blocks: int) -> None:
    key = sha256(seed).digest()
    data = (sha256(seed + b"data").digest() * blocks)[: blocks * 16]
    encrypted = crypto.ige_encrypt(data, key, iv)
    assert encrypted == reference_ige(data, key, iv, encrypt=True)
    assert crypto.ige_decrypt(encrypted, key, iv) == data
    assert crypto.ige_decrypt(data, key, iv) == reference_ige(data, key, iv, encrypt=False)


@settings(max_examples=30)
@given(st.lists(st.binary(max_size=50), max_size=8))
def test_ctr_goes_on_where_it_stopped(chunks: list[bytes]) -> None:
    key, iv = sha256(b"key").digest(), sha256(b"iv").digest()[:16]
    stream = crypto.CtrStream(key, iv)
    reference = Cipher(algorithms.AES(key), modes.CTR(iv)).encryptor()
    assert b"".join(stream(chunk) for chunk in chunks) == reference.update(b"".join(chunks))


# Transports


def client_stream(name: str, payloads: list[bytes]) -> bytes:
    if name == "full":
        framing = Full()
        return b"".join(b"".join(framing.wrap(payload)) for payload in payloads)
    if name == "abridged":
        packed = b"".join(
            (bytes((len(p) // 4,)) if len(p) < 508 else b"\x7f" + (len(p) // 4).to_bytes(3, "little")) + p
            for p in payloads
        )
        return b"\xef" + packed
    noise = 5 if name == "padded intermediate" else 0
    tag = b"\xdd" * 4 if noise else b"\xee" * 4
    return tag + b"".join((len(p) + noise).to_bytes(4, "little") + p + bytes(noise) for p in payloads)


@pytest.mark.parametrize("name", ["full", "abridged", "intermediate", "padded intermediate"])
@settings(max_examples=15)
@given(sizes=st.lists(st.integers(0, 40), min_size=1, max_size=5), step=st.integers(1, 700))
def test_packets_come_out_however_they_arrive(name: str, sizes: list[int], step: int) -> None:
    payloads = [b"\x01" * 24 + os.urandom(16 * (3 + size)) for size in sizes]
    stream = client_stream(name, payloads)
    transport = Transport()
    got: list[bytes] = []
    for at in range(0, len(stream), step):
        got += transport.feed(stream[at : at + step])
    assert transport.name == name
    assert got == payloads


def test_a_wrong_checksum_ends_the_stream() -> None:
    data = bytearray(client_stream("full", [b"\x01" * 72]))
    data[20] ^= 1
    with pytest.raises(BadStream):
        Transport().feed(data)


def test_noise_is_no_transport() -> None:
    with pytest.raises(BadStream):
        Transport().feed(bytes(range(1, 65)))


def test_an_error_is_four_bytes() -> None:
    transport = Transport()
    transport.feed(client_stream("intermediate", [b"\x01" * 72]))
    assert transport.error(-404) == b"\x04\0\0\0" + (-404).to_bytes(4, "little", signed=True)


# Key exchange


def exchange(
    *, rsa_pad: bool, dc_id: int | None, exponent: int = 0, b: int = 0, spoil: str = ""
) -> tuple[KeyExchange, int]:
    """A client's side of the exchange, written from the protocol's page; returns the server's and g^ab."""
    options: dict[str, Any] = {"exponent": lambda: exponent} if exponent else {}
    server = KeyExchange(SERVER_KEY, server_time=lambda: 1_700_000_000, **options)
    nonce = 12345
    pq = tl.decode(server.receive(bytes(functions.ReqPqMultiRequest(nonce))))
    number = int.from_bytes(pq.pq, "big")
    p = next(x for x in range(2**31 - 1, 1, -2) if number % x == 0)
    p, q = sorted((p, number // p))
    new_nonce = int.from_bytes(os.urandom(32), "little", signed=True)
    common = (
        pq.pq, p.to_bytes(4, "big"), q.to_bytes(4, "big"), nonce, pq.server_nonce, new_nonce,
    )  # fmt: skip
    inner = bytes(types.PQInnerDataDc(*common, dc=dc_id) if dc_id else types.PQInnerData(*common))
    if rsa_pad:
        padded = inner + os.urandom(192 - len(inner))
        while True:
            key = os.urandom(32)
            with_hash = padded[::-1] + sha256(key + padded).digest()
            encrypted = crypto.ige_encrypt(with_hash, key, bytes(32))
            mask = bytes(a ^ b for a, b in zip(key, sha256(encrypted).digest(), strict=True))
            value = int.from_bytes(mask + encrypted, "big")
            if value < SERVER_KEY.n:
                break
    else:
        value = int.from_bytes(sha1(inner).digest() + inner + os.urandom(235 - len(inner)), "big")
    cipher = pow(value, SERVER_KEY.e, SERVER_KEY.n).to_bytes(256, "big")
    if spoil == "rsa":
        cipher = bytes(255) + b"\x05"
    request = functions.ReqDHParamsRequest(
        nonce, pq.server_nonce, common[1], common[2], SERVER_KEY.fingerprint, cipher
    )
    params = tl.decode(server.receive(bytes(request)))
    nn = new_nonce.to_bytes(32, "little", signed=True)
    aes = crypto.handshake_aes(nn, pq.server_nonce.to_bytes(16, "little", signed=True))
    answer = crypto.ige_decrypt(params.encrypted_answer, *aes)
    dh = tl.decode(answer[20:])
    assert sha1(bytes(dh)).digest() == answer[:20]
    assert (dh.g, int.from_bytes(dh.dh_prime, "big")) == (G, DH_PRIME)
    b = b or int.from_bytes(os.urandom(256), "big")
    g_b = 2 if spoil == "g_b" else pow(dh.g, b, DH_PRIME)
    g_b_bytes = g_b.to_bytes(256, "big")
    client = bytes(types.ClientDHInnerData(nonce, pq.server_nonce, 0, g_b_bytes))
    plain = sha1(client).digest() + client
    plain += os.urandom(-len(plain) % 16)
    request = functions.SetClientDHParamsRequest(nonce, pq.server_nonce, crypto.ige_encrypt(plain, *aes))
    done = tl.decode(server.receive(bytes(request)))
    assert isinstance(done, types.DhGenOk)
    secret = pow(int.from_bytes(dh.g_a, "big"), b, DH_PRIME)
    stripped = secret.to_bytes(256, "big").lstrip(b"\0")
    hash1 = sha1(nn + b"\x01" + sha1(stripped).digest()[:8]).digest()[4:20]
    assert done.new_nonce_hash1 == int.from_bytes(hash1, "little", signed=True)
    return server, secret


@pytest.mark.parametrize("rsa_pad", [False, True])
@pytest.mark.parametrize("dc_id", [None, 2])
def test_both_paddings_lead_to_the_same_secret(rsa_pad: bool, dc_id: int | None) -> None:
    server, secret = exchange(rsa_pad=rsa_pad, dc_id=dc_id)
    assert server.finished is not None
    assert server.finished.padded == secret.to_bytes(256, "big")
    assert server.finished.dc_id == dc_id


@pytest.mark.parametrize("spoil", ["rsa", "g_b"])
def test_what_does_not_add_up_is_refused(spoil: str) -> None:
    with pytest.raises(ExchangeFailed):
        exchange(rsa_pad=True, dc_id=2, spoil=spoil)


def leading_zero_exponents() -> tuple[int, int]:
    """Exponents of both sides whose secret begins with a zero byte."""
    a = int.from_bytes(sha256(b"a").digest() * 8, "big")
    g_a = pow(G, a, DH_PRIME)
    b = int.from_bytes(sha256(b"b").digest() * 8, "big")
    secret = pow(g_a, b, DH_PRIME)
    while secret >> (2048 - 8):
        b += 1
        secret = secret * g_a % DH_PRIME
    return a, b


def test_a_secret_with_a_leading_zero_byte_is_known_in_both_spellings() -> None:
    a, b = leading_zero_exponents()
    server, secret = exchange(rsa_pad=False, dc_id=None, exponent=a, b=b)
    assert server.finished is not None
    padded = secret.to_bytes(256, "big")
    assert padded[0] == 0
    keyring = Keyring()
    keyring.add_new(server.finished, 2)
    as_kurigram = keyring.get(2, crypto.key_id(padded))
    as_telethon = keyring.get(2, crypto.key_id(padded.lstrip(b"\0")))
    assert as_kurigram is not None
    assert as_telethon is not None
    keyring.settle(as_telethon)
    assert keyring.get(2, as_kurigram.id) is None
    assert keyring.get(2, as_telethon.id) is as_telethon


# Messages and sessions


def test_an_altered_message_is_refused() -> None:
    key = AuthKey(os.urandom(256), 2)
    sealed = seal_message(key.key, key.id, salt=1, session_id=2, msg_id=3, seqno=0, body=bytes(40))
    with pytest.raises(BadMessage):
        # The server's own direction: the other half of the key.
        open_message(key.key, sealed)
    with pytest.raises(BadMessage):
        open_message(key.key, sealed[:-1])


class Talk:
    """A session on a table: messages in, decoded answers out, requests noted."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self.key = AuthKey(os.urandom(256), 2)
        self.asked: list[tuple[int, bytes]] = []
        self.session = Session(self.key, 77, wall=lambda: self.now, serve=self._serve)

    def _serve(self, session: Session, msg_id: int, body: memoryview) -> None:
        self.asked.append((msg_id, bytes(body)))

    def id(self, number: int = 0, *, late: float = 0.0) -> int:
        return (int((self.now - late) * (1 << 32)) & ~3) + 4 * number

    def say(self, body: Any, msg_id: int, seqno: int, *, salt: int | None = None) -> list[Any]:
        data = body if isinstance(body, bytes) else bytes(body)
        salt = self.key.salt if salt is None else salt
        self.session.receive(Message(salt, 77, msg_id, seqno, memoryview(data)))
        return self.hear()

    def hear(self) -> list[Any]:
        found: list[Any] = []
        for packet in self.session.drain():
            aes = crypto.message_aes(self.key.key, packet[8:24], from_server=True)
            plain = crypto.ige_decrypt(packet[24:], *aes)
            assert crypto.message_key(self.key.key, plain, from_server=True) == packet[8:24]
            _, session_id, msg_id, _, length = struct.unpack_from("<qqqii", plain)
            assert session_id == 77
            assert msg_id % 2 == 1
            answer = tl.decode(plain[32 : 32 + length])
            messages = getattr(answer, "messages", None)
            found += [m.obj for m in messages] if messages is not None else [answer]
        return found


PING = functions.PingRequest(5)
QUESTION = functions.help.GetConfigRequest()


def test_a_first_message_makes_a_session_and_is_answered() -> None:
    talk = Talk()
    created, pong = talk.say(PING, talk.id(), 1)
    assert isinstance(created, types.NewSessionCreated)
    assert (created.first_msg_id, created.server_salt) == (talk.id(), talk.key.salt)
    assert isinstance(pong, types.Pong)
    assert (pong.msg_id, pong.ping_id) == (talk.id(), 5)


def test_a_wrong_salt_is_told_the_right_one() -> None:
    talk = Talk()
    (answer,) = talk.say(PING, talk.id(), 1, salt=0)
    assert isinstance(answer, types.BadServerSalt)
    assert (answer.bad_msg_id, answer.error_code, answer.new_server_salt) == (talk.id(), 48, talk.key.salt)
    assert len(talk.say(PING, talk.id(), 1)) == 2


@pytest.mark.parametrize(("late", "code"), [(301.0, 16), (-31.0, 17)])
def test_a_wrong_time(late: float, code: int) -> None:
    talk = Talk()
    (answer,) = talk.say(QUESTION, talk.id(late=late), 1)
    assert isinstance(answer, types.BadMsgNotification)
    assert answer.error_code == code
    assert talk.asked == []


def test_an_id_that_is_none() -> None:
    talk = Talk()
    (answer,) = talk.say(QUESTION, talk.id() + 1, 1)
    assert answer.error_code == 18


def test_sequence_numbers() -> None:
    talk = Talk()
    talk.say(QUESTION, talk.id(10), 11)
    assert talk.say(QUESTION, talk.id(11), 11)[0].error_code == 32
    assert talk.say(QUESTION, talk.id(5), 13)[0].error_code == 33
    assert talk.say(QUESTION, talk.id(12), 14)[0].error_code == 35
    assert talk.say(QUESTION, talk.id(14), 13) == []
    assert [msg_id for msg_id, _ in talk.asked] == [talk.id(10), talk.id(14)]


def test_acknowledgements_with_odd_numbers() -> None:
    # mtcute numbers them as content; Telegram takes them (it could not work otherwise).
    talk = Talk()
    talk.say(QUESTION, talk.id(0), 1)
    assert talk.say(types.MsgsAck([1, 2]), talk.id(1), 3) == []
    assert talk.session.acknowledged == 2
    assert talk.say(QUESTION, talk.id(2), 5) == []
    assert [msg_id for msg_id, _ in talk.asked] == [talk.id(0), talk.id(2)]
    # The rule that is left: numbers do not go back.
    assert talk.say(types.MsgsAck([3]), talk.id(3), 3)[0].error_code == 32
    assert talk.session.acknowledged == 2


def container(*items: tuple[int, int, Any]) -> bytes:
    packed = b"".join(
        struct.pack("<qii", msg_id, seqno, len(bytes(body))) + bytes(body) for msg_id, seqno, body in items
    )
    return struct.pack("<Ii", tl.MSG_CONTAINER, len(items)) + packed


def test_a_container_is_its_messages() -> None:
    talk = Talk()
    inner = container((talk.id(0), 1, QUESTION), (talk.id(1), 3, PING))
    answers = talk.say(inner, talk.id(2), 4)
    assert [type(answer) for answer in answers] == [types.NewSessionCreated, types.Pong]
    assert [msg_id for msg_id, _ in talk.asked] == [talk.id(0)]


def test_a_container_with_an_odd_number_and_odd_acknowledgements() -> None:
    talk = Talk()
    inner = container((talk.id(0), 1, types.MsgsAck([5])), (talk.id(1), 3, QUESTION), (talk.id(2), 5, PING))
    answers = talk.say(inner, talk.id(3), 7)
    assert [type(answer) for answer in answers] == [types.NewSessionCreated, types.Pong]
    assert [msg_id for msg_id, _ in talk.asked] == [talk.id(1)]
    assert talk.session.acknowledged == 1
    # The container took the number 7, as a message of content would have.
    assert talk.say(QUESTION, talk.id(4), 7)[0].error_code == 32
    assert talk.say(QUESTION, talk.id(5), 9) == []


def test_content_with_an_even_number_is_refused_in_a_container_too() -> None:
    talk = Talk()
    inner = container((talk.id(0), 0, QUESTION), (talk.id(1), 1, PING))
    answers = talk.say(inner, talk.id(2), 2)
    assert [getattr(answer, "error_code", 0) for answer in answers] == [0, 35, 0]
    assert talk.asked == []


def test_a_broken_container() -> None:
    talk = Talk()
    talk.say(PING, talk.id(), 1)
    assert talk.say(container((talk.id(9), 1, QUESTION)), talk.id(2), 2)[0].error_code == 64
    assert talk.say(container((talk.id(1), 3, QUESTION))[:-4], talk.id(3), 2)[0].error_code == 64
    assert talk.asked == []


def test_a_repeated_request_gets_its_answer_again_and_is_not_executed_twice() -> None:
    talk = Talk()
    talk.say(QUESTION, talk.id(), 1)
    (ack,) = talk.say(QUESTION, talk.id(), 1)
    assert isinstance(ack, types.MsgsAck)
    talk.session.answer(talk.id(), tl.rpc_result(talk.id(), tl.TRUE))
    assert len(talk.hear()) == 1
    (again,) = talk.say(QUESTION, talk.id(), 1)
    assert (again.req_msg_id, again.body) == (talk.id(), tl.TRUE)
    assert len(talk.asked) == 1


def test_an_answer_that_was_lost_is_kept_for_who_asks_again() -> None:
    talk = Talk()
    talk.say(QUESTION, talk.id(), 1)
    talk.session.keep(talk.id(), tl.rpc_result(talk.id(), tl.TRUE))
    assert talk.hear() == []
    (info,) = talk.say(types.MsgsStateReq([talk.id()]), talk.id(1), 3)
    assert [ord(ch) for ch in info.info] == [4 + 32 + 64]
    (again,) = talk.say(QUESTION, talk.id(), 1)
    assert (again.req_msg_id, again.body) == (talk.id(), tl.TRUE)
    assert len(talk.asked) == 1


def test_a_forgotten_request_never_arrived() -> None:
    talk = Talk()
    talk.say(PING, talk.id(), 1)
    talk.say(QUESTION, talk.id(1), 3)
    talk.session.forget(talk.id(1))
    (info,) = talk.say(types.MsgsStateReq([talk.id(), talk.id(1)]), talk.id(2), 5)
    assert [ord(ch) for ch in info.info] == [4 + 16, 2]
    assert talk.say(QUESTION, talk.id(1), 3) == []
    assert [msg_id for msg_id, _ in talk.asked] == [talk.id(1), talk.id(1)]


def test_states_and_dropped_answers() -> None:
    talk = Talk()
    talk.say(QUESTION, talk.id(0), 1)
    talk.say(PING, talk.id(4), 3)
    asked = [talk.id(0), talk.id(4), talk.id(2), talk.id(50), talk.id(-50)]
    (info,) = talk.say(types.MsgsStateReq(asked), talk.id(5), 5)
    # Received and executed, received, not received, to come, forgotten.
    assert [ord(ch) for ch in info.info] == [4 + 32, 4 + 16, 2, 3, 1]
    (dropped,) = talk.say(functions.RpcDropAnswerRequest(talk.id(0)), talk.id(6), 7)
    assert isinstance(tl.decode(dropped.body), types.RpcAnswerDroppedRunning)
    talk.session.answer(talk.id(0), tl.rpc_result(talk.id(0), tl.TRUE))
    assert talk.hear() == []
    # The answer was made: a client that has not got it asks again.
    (info,) = talk.say(types.MsgsStateReq([talk.id(0)]), talk.id(7), 9)
    assert [ord(ch) for ch in info.info] == [4 + 32 + 64]


def test_salts_to_come_are_accepted() -> None:
    talk = Talk()
    talk.say(PING, talk.id(), 1)
    talk.session.receive(
        Message(talk.key.salt, 77, talk.id(1), 3, memoryview(bytes(functions.GetFutureSaltsRequest(3))))
    )
    assert len(talk.session.drain()) == 1
    coming = [salt for _, _, salt in talk.key.future_salts(3, talk.now)]
    assert coming[0] == talk.key.salt
    assert isinstance(talk.say(PING, talk.id(2), 5, salt=coming[2])[0], types.Pong)
    talk.key.rotate_salt()
    assert talk.key.salt == coming[1]
    assert isinstance(talk.say(PING, talk.id(3), 7, salt=coming[0])[0], types.BadServerSalt)


def test_a_key_that_is_destroyed_is_unknown() -> None:
    talk = Talk()
    ring = Keyring()
    ring.add(talk.key)
    talk.say(PING, talk.id(), 1)
    (done,) = talk.say(functions.DestroyAuthKeyRequest(), talk.id(1), 3)
    assert isinstance(done, types.DestroyAuthKeyOk)
    assert ring.get(2, talk.key.id) is None
    assert list(ring) == []


# Objects


def test_vectors_have_the_width_that_the_method_wants() -> None:
    longs = functions.photos.DeletePhotosRequest([])
    data, _ = tl.encode_result(longs, [1 << 40])
    assert data == tl.VECTOR + struct.pack("<iq", 1, 1 << 40)
    ints = functions.messages.ReceivedMessagesRequest(1)
    data, _ = tl.encode_result(ints, [])
    assert data == tl.VECTOR + bytes(4)


#: gzip, as the page has it, and zlib, which mtcute sends under the same constructor and Telegram takes.
PACKERS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zlib": zlib.compress}


def packed(data: bytes, pack: Callable[[bytes], bytes]) -> bytes:
    return struct.pack("<I", tl.GZIP_PACKED) + tl.serialize_bytes(pack(data))


@pytest.mark.parametrize("packer", [None, *PACKERS])
@pytest.mark.parametrize("size", [0, 1, 253, 254, 1000, 512 * 1024])
def test_parts_are_read_as_they_were_written(size: int, packer: str | None) -> None:
    content = os.urandom(size)
    data = bytes(functions.upload.SaveBigFilePartRequest(9, 1, 2, content))
    if packer is not None:
        data = packed(data, PACKERS[packer])
    part = tl.decode(data)
    assert (part.file_id, part.file_part, part.file_total_parts) == (9, 1, 2)
    assert bytes(part.bytes) == content


def test_a_file_is_what_telethon_would_write() -> None:
    for size in (0, 1, 253, 254, 4096):
        content = os.urandom(size)
        ours = tl.upload_file(types.storage.FilePartial(), 7, content).data
        assert ours == bytes(types.upload.File(types.storage.FilePartial(), 7, content))


@pytest.mark.parametrize("packer", PACKERS)
def test_what_unfolds_to_too_much_is_refused(packer: str) -> None:
    bomb = packed(bytes(20 * 1024 * 1024), PACKERS[packer])
    with pytest.raises(tl.BadObject, match="too much"):
        tl.decode(bomb)


SPOILERS: dict[str, Callable[[bytes], bytes]] = {
    "cut short": lambda data: data[:-6],
    "empty": lambda data: b"",
    "another first byte": lambda data: b"\x01" + data[1:],
}


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("spoiler", SPOILERS)
def test_what_is_no_whole_stream_is_refused(packer: str, spoiler: str) -> None:
    broken = packed(SPOILERS[spoiler](PACKERS[packer](bytes(QUESTION) * 50)), bytes)
    with pytest.raises(tl.BadObject, match="gzip_packed"):
        tl.decode(broken)


def test_deflate_without_a_frame_is_refused() -> None:
    # The checksum of either frame is what tells a damaged request.
    raw = packed(bytes(QUESTION), lambda data: zlib.compress(data, wbits=-15))
    with pytest.raises(tl.BadObject, match="gzip_packed"):
        tl.decode(raw)


# Layers


def test_an_older_layer_gets_users_and_channels_without_what_came_later() -> None:
    """user#31774388 and channel#1c32b11c of layer 227, field by field, wherever they stand in an answer."""
    user = types.User(7, first_name="Ann", access_hash=9, linked_community_id=5)
    channel = types.Channel(8, "News", types.ChatPhotoEmpty(), None, access_hash=3, linked_community_id=5)
    page = types.messages.Chats([channel, types.ChatForbidden(1, "gone")])
    date = bytes(4)
    old_user = struct.pack("<IIIqq", 0x31774388, 0b11, 0, 7, 9) + tl.serialize_bytes(b"Ann")
    old_channel = struct.pack("<IIIqq", 0x1C32B11C, 1 << 13, 0, 8, 3) + tl.serialize_bytes(b"News")
    old_channel += bytes(types.ChatPhotoEmpty()) + date
    before = bytes(page)
    packed_page = bytes(in_layer(page, 227))
    assert packed_page == bytes(page)[:12] + old_channel + bytes(types.ChatForbidden(1, "gone"))
    data, _ = tl.encode_result(functions.users.GetUsersRequest([]), in_layer([user], 227))
    assert data == tl.VECTOR + struct.pack("<i", 1) + old_user
    # What was said in the older form is the world's own object no less than before.
    assert bytes(page) == before
    assert user.linked_community_id == 5


def test_a_layer_that_has_the_newer_forms_gets_them() -> None:
    user = types.User(7, linked_community_id=5)
    assert bytes(in_layer(user, 228)) == bytes(in_layer(user, 229)) == bytes(user)
    assert in_layer(True, 200) is True
