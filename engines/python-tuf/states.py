# SPDX-License-Identifier: Apache-2.0
"""Repositories in good and bad states, made by python-tuf, and what its own client says of each.

usage: states.py FOLDER. Each state is a folder of steps, each step the files of a repository at one moment; the same client
comes back at every step. Prints one JSON object a line: name, path asked for, and for each step what ngclient answered.
"""

import copy
import datetime
import hashlib
import json
import os
import sys
import tempfile

from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import DownloadError, DownloadHTTPError, RepositoryError
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization.json import CanonicalJSONSerializer
from tuf.ngclient import Updater
from tuf.ngclient.fetcher import FetcherInterface

NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
LATER = NOW + datetime.timedelta(days=30)
PAST = NOW - datetime.timedelta(days=1)
PATH = "camera/camera-1.1.0"
SIGNED_TOP = ("root", "timestamp", "snapshot", "targets")
STATES = []


class Repository:
    """One repository; `files` is what a client can fetch."""

    def __init__(self, ecdsa=(), consistent=True, threshold=1):
        self.keys = {
            role: [CryptoSigner.generate_ecdsa() if role in ecdsa else CryptoSigner.generate_ed25519() for _ in range(max(threshold, 2))]
            for role in SIGNED_TOP
        }
        self.root = Root(version=1, expires=LATER, consistent_snapshot=consistent)
        for role, signers in self.keys.items():
            for signer in signers:
                self.root.add_key(signer.public_key, role)
            self.root.roles[role].threshold = threshold
        self.targets = Targets(version=1, expires=LATER)
        self.targets.targets[PATH] = TargetFile.from_data(PATH, b"the manifest", ["sha256"])
        self.snapshot = Snapshot(version=1, expires=LATER)
        self.timestamp = Timestamp(version=1, expires=LATER)
        self.delegated = {}
        self.files = {}
        self.publish_root()
        self.publish()

    # signing

    def signed(self, payload, signers):
        metadata = Metadata(payload)
        for signer in signers:
            metadata.sign(signer, append=True)
        return metadata.to_bytes()

    def publish_root(self, signers=None):
        self.files[f"{self.root.version}.root.json"] = self.signed(copy.deepcopy(self.root), signers or self.keys["root"])

    def name_root_keys(self):
        self.root.roles["root"].keyids = []
        for signer in self.keys["root"]:
            self.root.add_key(signer.public_key, "root")

    def next_root(self, change, signers=None):
        before = list(self.keys["root"])
        self.root.version += 1
        change(self)
        self.publish_root(signers if signers is not None else before + [k for k in self.keys["root"] if k not in before])

    def name(self, role, version):
        return f"{version}.{role}.json" if self.root.consistent_snapshot else f"{role}.json"

    def put_targets(self, signers=None):
        self.files[self.name("targets", self.targets.version)] = self.signed(self.targets, signers or self.keys["targets"])
        self.snapshot.meta["targets.json"] = self.reference(self.files[self.name("targets", self.targets.version)], self.targets.version)

    def put_delegated(self, role, payload, signers):
        self.files[self.name(role, payload.version)] = self.signed(payload, signers)
        self.snapshot.meta[f"{role}.json"] = self.reference(self.files[self.name(role, payload.version)], payload.version)

    def put_snapshot(self, signers=None):
        data = self.signed(self.snapshot, signers or self.keys["snapshot"])
        self.files[self.name("snapshot", self.snapshot.version)] = data
        self.timestamp.snapshot_meta = self.reference(data, self.snapshot.version)

    def put_timestamp(self, signers=None):
        self.files["timestamp.json"] = self.signed(self.timestamp, signers or self.keys["timestamp"])

    def reference(self, data, version):
        return MetaFile(version, len(data), {"sha256": hashlib.sha256(data).hexdigest()})

    def publish(self):
        self.put_targets()
        self.put_snapshot()
        self.put_timestamp()

    def bump(self, *roles):
        for role in roles or ("targets", "snapshot", "timestamp"):
            getattr(self, role).version += 1

    def delegate(self, name, paths=None, *, terminating=False, threshold=1, keys=1, prefixes=None, parent=None):
        signers = [CryptoSigner.generate_ed25519() for _ in range(keys)]
        parent = parent or self.targets
        if parent.delegations is None:
            parent.delegations = Delegations(keys={}, roles={})
        role = DelegatedRole(name, [s.public_key.keyid for s in signers], threshold, terminating, paths, prefixes)
        parent.delegations.roles[name] = role
        for signer in signers:
            parent.delegations.keys[signer.public_key.keyid] = signer.public_key
        payload = Targets(version=1, expires=LATER)
        return payload, signers


class Files(FetcherInterface):
    def __init__(self, folder):
        self.folder = folder

    def _fetch(self, url):
        path = os.path.join(self.folder, url.rsplit("/", 1)[1])
        if not os.path.exists(path):
            raise DownloadHTTPError(f"no {path}", 404)
        with open(path, "rb") as file:
            while chunk := file.read(65536):
                yield chunk


def state(function):
    STATES.append(function)
    return function


def edited(data, change, signers=None):
    """The document changed as JSON; signed again when signers are given."""
    document = json.loads(data)
    change(document)
    if signers is not None:
        from securesystemslib.formats import encode_canonical

        payload = encode_canonical(document["signed"]).encode()
        document["signatures"] = [{"keyid": s.public_key.keyid, "sig": s.sign(payload).signature} for s in signers]
    return json.dumps(document).encode()


# ---- good states


@state
def plain(r):
    """a plain repository"""
    yield


@state
def unchanged_twice(r):
    """nothing has changed since"""
    yield
    yield


@state
def new_versions(r):
    """every role moved on"""
    yield
    r.bump()
    r.publish()
    yield


@state
def all_ecdsa(r):
    """keys of ECDSA P-256"""
    r.__init__(ecdsa=SIGNED_TOP)
    yield


@state
def root_of_both_kinds(r):
    """a root of two people, one with a key of ECDSA P-256 and one with Ed25519, both needed"""
    r.__init__(threshold=2)
    r.keys["root"][0] = CryptoSigner.generate_ecdsa()
    r.name_root_keys()
    r.publish_root()
    yield


@state
def root_moves_to_ecdsa(r):
    """the people of the root move from Ed25519 to keys of ECDSA P-256 on tokens, and go on with them"""
    yield
    before = list(r.keys["root"])
    r.keys["root"] = [CryptoSigner.generate_ecdsa() for _ in before]
    r.root.version += 1
    r.name_root_keys()
    r.publish_root(before + r.keys["root"])
    yield
    r.root.version += 1
    r.publish_root()
    yield


@state
def root_of_both_kinds_by_one(r):
    """a root of both kinds, of which the next has the ECDSA signature alone"""
    r.__init__(threshold=2)
    r.keys["root"][0] = CryptoSigner.generate_ecdsa()
    r.name_root_keys()
    r.publish_root()
    yield
    r.root.version += 1
    r.publish_root(r.keys["root"][:1])
    yield


@state
def not_consistent(r):
    """files without versions in their names"""
    r.__init__(consistent=False)
    yield
    r.bump()
    r.publish()
    yield


@state
def two_of_two(r):
    """a threshold of two, met by two keys"""
    r.__init__(threshold=2)
    yield


@state
def foreign_signature(r):
    """a signature by a key nobody knows beside a good one"""
    r.put_timestamp(r.keys["timestamp"] + [CryptoSigner.generate_ed25519()])
    yield


@state
def unknown_fields(r):
    """fields of a later version, in every document"""
    for payload in (r.targets, r.snapshot, r.timestamp, r.root):
        payload.unrecognized_fields["x-later"] = {"é": [1, "two", {"quote\"": "back\\slash\n"}], "\uffff": 1, "\U0001f600": 2}
    r.publish_root()
    r.publish()
    yield


@state
def without_lengths(r):
    """a timestamp and a snapshot that name versions alone"""
    r.snapshot.meta["targets.json"] = MetaFile(1)
    r.put_snapshot()
    r.timestamp.snapshot_meta = MetaFile(1)
    r.put_timestamp()
    yield


@state
def sha512(r):
    """digests of SHA-512"""
    data = r.files["1.snapshot.json"]
    r.timestamp.snapshot_meta = MetaFile(1, len(data), {"sha512": hashlib.sha512(data).hexdigest()})
    r.put_timestamp()
    yield


# ---- roots


@state
def root_rotated(r):
    """a new root by the old and the new keys"""
    yield

    def change(repo):
        old = repo.keys["root"]
        repo.keys["root"] = [CryptoSigner.generate_ed25519()]
        for key in old:
            repo.root.revoke_key(key.public_key.keyid, "root")
        repo.root.add_key(repo.keys["root"][0].public_key, "root")

    r.next_root(change)
    yield


@state
def many_roots(r):
    """ten roots to follow, those between expired"""
    yield
    r.root.expires = PAST
    for _ in range(9):
        r.next_root(lambda repo: None)
    r.root.expires = LATER
    r.next_root(lambda repo: None)
    yield


@state
def root_expired(r):
    """the last root has expired"""
    yield
    r.root.expires = PAST
    r.next_root(lambda repo: None)
    yield


@state
def first_root_expired(r):
    """the root that the device was born with has expired"""
    r.root.expires = PAST
    r.publish_root()
    yield


@state
def root_old_keys_only(r):
    """a new root that its own keys have not signed"""
    yield
    old = list(r.keys["root"])

    def change(repo):
        for key in old:
            repo.root.revoke_key(key.public_key.keyid, "root")
        repo.keys["root"] = [CryptoSigner.generate_ed25519()]
        repo.root.add_key(repo.keys["root"][0].public_key, "root")

    r.next_root(change, old)
    yield


@state
def root_new_keys_only(r):
    """a new root that the old keys have not signed"""
    yield
    old = list(r.keys["root"])

    def change(repo):
        for key in old:
            repo.root.revoke_key(key.public_key.keyid, "root")
        repo.keys["root"] = [CryptoSigner.generate_ed25519()]
        repo.root.add_key(repo.keys["root"][0].public_key, "root")

    r.next_root(change)
    r.publish_root(r.keys["root"])
    yield


@state
def root_skips_a_version(r):
    """2.root.json holds version 3"""
    yield
    r.root.version = 3
    r.files["2.root.json"] = r.signed(r.root, r.keys["root"])
    yield


@state
def root_same_version(r):
    """2.root.json holds version 1 again"""
    yield
    r.files["2.root.json"] = r.files["1.root.json"]
    yield


@state
def root_threshold_not_met(r):
    """a root of threshold two with one signature"""
    r.__init__(threshold=2)
    yield
    r.next_root(lambda repo: None, r.keys["root"][:1])
    yield


@state
def root_threshold_raised_unmet(r):
    """a root that asks for two and has one signature"""
    yield

    def change(repo):
        repo.root.roles["root"].threshold = 2

    r.next_root(change, r.keys["root"][:1])
    yield


@state
def root_is_garbage(r):
    """2.root.json is no JSON"""
    yield
    r.files["2.root.json"] = b"\x00\xff nothing"
    yield


@state
def root_too_long(r):
    """2.root.json never ends"""
    yield
    r.files["2.root.json"] = b" " * 600_000
    yield


@state
def timestamp_key_revoked(r):
    """the timestamp's key was replaced, the stored timestamp no longer counts"""
    yield

    def change(repo):
        for key in repo.keys["timestamp"]:
            repo.root.revoke_key(key.public_key.keyid, "timestamp")
        repo.keys["timestamp"] = [CryptoSigner.generate_ed25519()]
        repo.root.add_key(repo.keys["timestamp"][0].public_key, "timestamp")

    r.next_root(change)
    r.put_timestamp()
    yield


@state
def timestamp_by_revoked_key(r):
    """a timestamp by the key that was replaced"""
    yield
    old = r.keys["timestamp"]

    def change(repo):
        for key in old:
            repo.root.revoke_key(key.public_key.keyid, "timestamp")
        repo.root.add_key(CryptoSigner.generate_ed25519().public_key, "timestamp")

    r.next_root(change)
    r.bump("timestamp")
    r.put_timestamp(old)
    yield


def fast_forward(r, roles):
    for role in roles:
        getattr(r, role).version = 1_000_000
    r.publish()


def replace_keys(r, roles):
    def change(repo):
        for role in roles:
            for key in repo.keys[role]:
                repo.root.revoke_key(key.public_key.keyid, role)
            repo.keys[role] = [CryptoSigner.generate_ed25519()]
            repo.root.add_key(repo.keys[role][0].public_key, role)

    r.next_root(change)


@state
def fast_forward_recovered(r):
    """after a fast-forward attack on timestamp and snapshot the keys were replaced and versions start low again"""
    fast_forward(r, ("timestamp", "snapshot"))
    yield
    replace_keys(r, ("timestamp", "snapshot"))
    r.timestamp.version = r.snapshot.version = 2
    r.publish()
    yield


@state
def fast_forward_not_recovered(r):
    """after a fast-forward attack versions start low again with the same keys"""
    fast_forward(r, ("timestamp", "snapshot"))
    yield
    r.timestamp.version = r.snapshot.version = 2
    r.publish()
    yield


@state
def fast_forward_half_recovered(r):
    """after a fast-forward attack only the timestamp's key was replaced"""
    fast_forward(r, ("timestamp", "snapshot", "targets"))
    yield
    replace_keys(r, ("timestamp",))
    r.timestamp.version = r.snapshot.version = r.targets.version = 2
    r.publish()
    yield


# ---- timestamp


@state
def timestamp_expired(r):
    """a timestamp that has expired: freeze"""
    r.timestamp.expires = PAST
    r.put_timestamp()
    yield


@state
def timestamp_expired_later(r):
    """a newer timestamp that has expired already, then a good one"""
    yield
    r.timestamp.expires = PAST
    r.bump("timestamp")
    r.put_timestamp()
    yield
    r.timestamp.expires = LATER
    r.bump("timestamp")
    r.put_timestamp()
    yield


@state
def timestamp_rolled_back(r):
    """an older timestamp than the trusted one"""
    old = r.files["timestamp.json"]
    r.bump("timestamp")
    r.put_timestamp()
    yield
    r.files["timestamp.json"] = old
    yield


@state
def timestamp_names_older_snapshot(r):
    """a newer timestamp that names an older snapshot"""
    r.bump()
    r.publish()
    yield
    r.bump("timestamp")
    r.timestamp.snapshot_meta = r.reference(r.files["2.snapshot.json"], 1)
    r.put_timestamp()
    yield


@state
def timestamp_unsigned(r):
    """a timestamp without signatures"""
    r.put_timestamp([])
    r.files["timestamp.json"] = edited(r.files["timestamp.json"], lambda d: d.update(signatures=[]))
    yield


@state
def timestamp_by_snapshot_key(r):
    """a timestamp by the key of another role"""
    r.put_timestamp(r.keys["snapshot"])
    yield


@state
def timestamp_altered(r):
    """a timestamp altered after it was signed"""
    r.files["timestamp.json"] = edited(r.files["timestamp.json"], lambda d: d["signed"].update(version=7))
    yield


@state
def timestamp_duplicate_signature(r):
    """a threshold of two, met by one signature twice"""
    r.__init__(threshold=2)
    r.put_timestamp(r.keys["timestamp"][:1])
    r.files["timestamp.json"] = edited(r.files["timestamp.json"], lambda d: d["signatures"].append(d["signatures"][0]))
    yield


@state
def timestamp_one_of_two(r):
    """a threshold of two, one signature"""
    r.__init__(threshold=2)
    r.put_timestamp(r.keys["timestamp"][:1])
    yield


@state
def timestamp_missing(r):
    """no timestamp at all"""
    del r.files["timestamp.json"]
    yield


@state
def timestamp_too_long(r):
    """a timestamp that never ends"""
    r.files["timestamp.json"] += b" " * 20_000
    yield


@state
def timestamp_is_snapshot(r):
    """a snapshot under the name of the timestamp"""
    r.files["timestamp.json"] = r.files["1.snapshot.json"]
    yield


@state
def timestamp_white_space(r):
    """a timestamp written with other white space"""
    r.files["timestamp.json"] = json.dumps(json.loads(r.files["timestamp.json"]), indent=4).encode()
    yield


@state
def spec_version_two(r):
    """a document of TUF 2"""
    r.files["timestamp.json"] = edited(r.files["timestamp.json"], lambda d: d["signed"].update(spec_version="2.0.0"), r.keys["timestamp"])
    yield


@state
def version_zero(r):
    """a timestamp of version 0"""
    r.files["timestamp.json"] = edited(r.files["timestamp.json"], lambda d: d["signed"].update(version=0), r.keys["timestamp"])
    yield


@state
def date_that_is_none(r):
    """an expiry on the 31st of February"""
    r.files["timestamp.json"] = edited(r.files["timestamp.json"], lambda d: d["signed"].update(expires="2030-02-31T00:00:00Z"), r.keys["timestamp"])
    yield


@state
def a_number_that_is_not_whole(r):
    """a document with a fraction, which has no canonical form"""
    r.files["timestamp.json"] = edited(r.files["timestamp.json"], lambda d: d["signed"].update(x=1.5))
    yield


# ---- snapshot


@state
def snapshot_expired(r):
    """a snapshot that has expired"""
    r.snapshot.expires = PAST
    r.put_snapshot()
    r.put_timestamp()
    yield


@state
def snapshot_mixed(r):
    """mix and match: the snapshot of another state under the name that is asked for"""
    other = copy.deepcopy(r.snapshot)
    other.meta["targets.json"] = MetaFile(1)
    r.files["1.snapshot.json"] = r.signed(other, r.keys["snapshot"])
    yield


@state
def snapshot_version_differs(r):
    """a snapshot of another version than the timestamp names"""
    r.snapshot.version = 3
    data = r.signed(r.snapshot, r.keys["snapshot"])
    r.files["1.snapshot.json"] = data
    r.timestamp.snapshot_meta = r.reference(data, 1)
    r.put_timestamp()
    yield


@state
def snapshot_forgets_a_role(r):
    """a newer snapshot that no longer names a delegated role"""
    payload, signers = r.delegate("camera", ["camera/*"])
    r.put_delegated("camera", payload, signers)
    r.publish()
    yield
    del r.snapshot.meta["camera.json"]
    r.bump("snapshot", "timestamp")
    r.put_snapshot()
    r.put_timestamp()
    yield


@state
def snapshot_rolls_targets_back(r):
    """a newer snapshot that names older targets"""
    first = r.snapshot.meta["targets.json"]
    r.bump()
    r.publish()
    yield
    r.snapshot.meta["targets.json"] = first
    r.bump("snapshot", "timestamp")
    r.put_snapshot()
    r.put_timestamp()
    yield


@state
def snapshot_unsigned(r):
    """a snapshot by the key of another role"""
    r.put_snapshot(r.keys["targets"])
    r.put_timestamp()
    yield


@state
def snapshot_longer(r):
    """a snapshot with bytes after its end"""
    r.files["1.snapshot.json"] += b"\n"
    yield


@state
def snapshot_shorter_length(r):
    """a timestamp that names a shorter length"""
    r.timestamp.snapshot_meta.length -= 1
    r.put_timestamp()
    yield


@state
def snapshot_wrong_digest(r):
    """a timestamp that names another digest"""
    r.timestamp.snapshot_meta.hashes["sha256"] = "0" * 64
    r.put_timestamp()
    yield


@state
def snapshot_missing(r):
    """the snapshot that the timestamp names is not there"""
    del r.files["1.snapshot.json"]
    yield


@state
def snapshot_key_revoked(r):
    """the snapshot's key was replaced, and it was signed anew"""
    yield
    replace_keys(r, ("snapshot",))
    r.bump("snapshot", "timestamp")
    r.put_snapshot()
    r.put_timestamp()
    yield


# ---- targets


@state
def targets_expired(r):
    """targets that have expired"""
    r.targets.expires = PAST
    r.publish()
    yield


@state
def targets_wrong_digest(r):
    """targets other than the snapshot names"""
    r.targets.targets["extra"] = TargetFile.from_data("extra", b"", ["sha256"])
    r.files["1.targets.json"] = r.signed(r.targets, r.keys["targets"])
    yield


@state
def targets_unsigned(r):
    """targets by a key that was never named"""
    r.put_targets([CryptoSigner.generate_ed25519()])
    r.put_snapshot()
    r.put_timestamp()
    yield


@state
def targets_version_differs(r):
    """targets of another version than the snapshot names"""
    r.targets.version = 5
    data = r.signed(r.targets, r.keys["targets"])
    r.files["1.targets.json"] = data
    r.snapshot.meta["targets.json"] = r.reference(data, 1)
    r.put_snapshot()
    r.put_timestamp()
    yield


@state
def targets_endless(r):
    """targets that never end"""
    r.files["1.targets.json"] += b" " * 100_000
    yield


@state
def targets_missing(r):
    """targets that are not there"""
    del r.files["1.targets.json"]
    yield


@state
def target_withdrawn(r):
    """a file that is no longer named"""
    yield
    del r.targets.targets[PATH]
    r.bump()
    r.publish()
    yield


@state
def targets_key_revoked(r):
    """targets by a key that the new root no longer names"""
    yield
    old = r.keys["targets"]
    replace_keys(r, ("targets",))
    r.bump()
    r.put_targets(old)
    r.put_snapshot()
    r.put_timestamp()
    yield


# ---- delegations


def only_delegated(r, *args, **named):
    r.targets.targets.clear()
    payload, signers = r.delegate(*args, **named)
    payload.targets[PATH] = TargetFile.from_data(PATH, b"the manifest", ["sha256"])
    return payload, signers


@state
def delegated(r):
    """a file named by a model's own role"""
    payload, signers = only_delegated(r, "camera", ["camera/*"])
    r.put_delegated("camera", payload, signers)
    r.publish()
    yield


@state
def delegated_two_of_two(r):
    """a delegated role with a threshold of two"""
    payload, signers = only_delegated(r, "camera", ["camera/*"], threshold=2, keys=2)
    r.put_delegated("camera", payload, signers)
    r.publish()
    yield


@state
def delegated_one_of_two(r):
    """a delegated role with a threshold of two and one signature"""
    payload, signers = only_delegated(r, "camera", ["camera/*"], threshold=2, keys=2)
    r.put_delegated("camera", payload, signers[:1])
    r.publish()
    yield


@state
def delegated_duplicate_signature(r):
    """a delegated role with a threshold of two and one signature twice"""
    payload, signers = only_delegated(r, "camera", ["camera/*"], threshold=2, keys=2)
    data = edited(r.signed(payload, signers[:1]), lambda d: d["signatures"].append(d["signatures"][0]))
    r.files["1.camera.json"] = data
    r.snapshot.meta["camera.json"] = r.reference(data, 1)
    r.publish()
    yield


@state
def delegated_other_paths(r):
    """a file named by a role whose paths it does not lie in"""
    payload, signers = only_delegated(r, "modem", ["modem/*"])
    r.put_delegated("modem", payload, signers)
    r.publish()
    yield


@state
def delegated_star_spans_no_slash(r):
    """a pattern whose star would have to span a slash"""
    payload, signers = only_delegated(r, "camera", ["*"])
    r.put_delegated("camera", payload, signers)
    r.publish()
    yield


@state
def delegated_question_marks(r):
    """a pattern with question marks and a set"""
    payload, signers = only_delegated(r, "camera", ["c?mera/camera-[0-9].[!a-z].?"])
    r.put_delegated("camera", payload, signers)
    r.publish()
    yield


@state
def delegated_set_excludes(r):
    """a pattern whose set excludes the file"""
    payload, signers = only_delegated(r, "camera", ["camera/camera-[!0-9]*"])
    r.put_delegated("camera", payload, signers)
    r.publish()
    yield


@state
def delegated_prefix(r):
    """a role for beginnings of the path's digest"""
    prefix = hashlib.sha256(PATH.encode()).hexdigest()[:2]
    payload, signers = only_delegated(r, "bin", prefixes=[prefix])
    r.put_delegated("bin", payload, signers)
    r.publish()
    yield


@state
def delegated_prefix_of_another(r):
    """a role for beginnings of other digests"""
    prefix = hashlib.sha256(PATH.encode()).hexdigest()[:2]
    payload, signers = only_delegated(r, "bin", prefixes=["00" if prefix != "00" else "01"])
    r.put_delegated("bin", payload, signers)
    r.publish()
    yield


@state
def first_role_wins(r):
    """two roles name the file, the first is asked first"""
    for name, content in (("one", b"one"), ("two", b"two two")):
        payload, signers = only_delegated(r, name, ["camera/*"])
        payload.targets[PATH] = TargetFile.from_data(PATH, content, ["sha256"])
        r.put_delegated(name, payload, signers)
    r.publish()
    yield


@state
def second_role_has_it(r):
    """the first role does not have it, the second does"""
    r.targets.targets.clear()
    empty, signers = r.delegate("one", ["camera/*"])
    r.put_delegated("one", empty, signers)
    payload, signers = only_delegated(r, "two", ["camera/*"])
    r.put_delegated("two", payload, signers)
    r.publish()
    yield


@state
def terminating_role_ends_it(r):
    """the first role does not have it and is terminating"""
    r.targets.targets.clear()
    empty, signers = r.delegate("one", ["camera/*"], terminating=True)
    r.put_delegated("one", empty, signers)
    payload, signers = only_delegated(r, "two", ["camera/*"])
    r.put_delegated("two", payload, signers)
    r.publish()
    yield


@state
def delegated_twice_deep(r):
    """a role that delegates further"""
    r.targets.targets.clear()
    middle, middle_signers = r.delegate("camera", ["camera/*"])
    payload, signers = r.delegate("supplier", ["camera/*"], parent=middle)
    payload.targets[PATH] = TargetFile.from_data(PATH, b"the manifest", ["sha256"])
    r.put_delegated("supplier", payload, signers)
    r.put_delegated("camera", middle, middle_signers)
    r.publish()
    yield


@state
def delegations_in_a_circle(r):
    """two roles that delegate to each other"""
    r.targets.targets.clear()
    one, one_signers = r.delegate("one", ["camera/*"])
    two, two_signers = r.delegate("two", ["camera/*"], parent=one)
    two.delegations = Delegations(keys=dict(r.targets.delegations.keys), roles={"one": r.targets.delegations.roles["one"]})
    r.put_delegated("two", two, two_signers)
    r.put_delegated("one", one, one_signers)
    r.publish()
    yield


@state
def labyrinth(r):
    """a chain of forty delegations with the file at its end"""
    r.targets.targets.clear()
    parent, chain = r.targets, []
    for index in range(40):
        payload, signers = r.delegate(f"role{index}", ["camera/*"], parent=parent)
        chain.append((f"role{index}", payload, signers))
        parent = payload
    parent.targets[PATH] = TargetFile.from_data(PATH, b"the manifest", ["sha256"])
    for name, payload, signers in chain:
        r.put_delegated(name, payload, signers)
    r.publish()
    yield


@state
def delegated_not_in_snapshot(r):
    """a role that the snapshot does not name"""
    payload, signers = only_delegated(r, "camera", ["camera/*"])
    r.files["1.camera.json"] = r.signed(payload, signers)
    r.publish()
    yield


@state
def delegated_expired(r):
    """a delegated role that has expired"""
    payload, signers = only_delegated(r, "camera", ["camera/*"])
    payload.expires = PAST
    r.put_delegated("camera", payload, signers)
    r.publish()
    yield


@state
def delegated_rolled_back(r):
    """a delegated role that goes back"""
    payload, signers = only_delegated(r, "camera", ["camera/*"])
    payload.version = 2
    r.put_delegated("camera", payload, signers)
    r.publish()
    yield
    payload.version = 1
    r.put_delegated("camera", payload, signers)
    r.bump("snapshot", "timestamp")
    r.put_snapshot()
    r.put_timestamp()
    yield


@state
def delegated_key_replaced(r):
    """a supplier's key was replaced by the role above"""
    payload, signers = only_delegated(r, "camera", ["camera/*"])
    r.put_delegated("camera", payload, signers)
    r.publish()
    yield
    r.targets.delegations = None
    payload, signers = only_delegated(r, "camera", ["camera/*"])
    payload.version = 2
    r.put_delegated("camera", payload, signers)
    r.bump()
    r.publish()
    yield


@state
def delegated_by_replaced_key(r):
    """a supplier's key was replaced, the old one goes on signing"""
    payload, old = only_delegated(r, "camera", ["camera/*"])
    r.put_delegated("camera", payload, old)
    r.publish()
    yield
    r.targets.delegations = None
    payload, _ = only_delegated(r, "camera", ["camera/*"])
    payload.version = 2
    r.put_delegated("camera", payload, old)
    r.bump()
    r.publish()
    yield


@state
def delegated_as_top_role(r):
    """a delegation to a role that is called snapshot"""
    payload, signers = only_delegated(r, "camera", ["camera/*"])
    r.put_delegated("camera", payload, signers)

    def change(document):
        document["signed"]["delegations"]["roles"][0]["name"] = "snapshot"

    data = edited(r.signed(r.targets, r.keys["targets"]), change, r.keys["targets"])
    r.files["1.targets.json"] = data
    r.snapshot.meta["targets.json"] = r.reference(data, 1)
    r.put_snapshot()
    r.put_timestamp()
    yield


def played(function, folder):
    """Writes the steps of a state and asks python-tuf's client at each, the same client throughout."""
    repository = Repository()
    verdicts = []
    bootstrap = None
    with tempfile.TemporaryDirectory() as cache:
        for index, _ in enumerate(function(repository)):
            step = os.path.join(folder, function.__name__, str(index))
            os.makedirs(step)
            for name, data in repository.files.items():
                with open(os.path.join(step, name), "wb") as file:
                    file.write(data)
            bootstrap = bootstrap or repository.files["1.root.json"]
            verdicts.append(asked(step, cache, bootstrap))
    return {"name": function.__name__, "claim": function.__doc__, "path": PATH, "steps": verdicts}


def asked(step, cache, bootstrap):
    try:
        updater = Updater(cache, "http://repository/", fetcher=Files(step), bootstrap=bootstrap)
        found = updater.get_targetinfo(PATH)
    except (RepositoryError, DownloadError) as error:
        return {"verdict": "refused", "why": type(error).__name__}
    if found is None:
        return {"verdict": "unknown"}
    return {"verdict": "accepted", "length": found.length}


if __name__ == "__main__":
    for one in STATES:
        print(json.dumps(played(one, sys.argv[1])), flush=True)
