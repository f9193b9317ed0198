// SPDX-License-Identifier: Apache-2.0
// Longer than 500 lines because it is one table of one page, which a test compares with the codes of the HTTP edge
import { TAGS_MAX } from '@outrider/domain/policy/attributes';
import { PROBLEMS, type ProblemCode } from '@outrider/protocol/kernel/problem';
import type { CodeText, ErrorArea } from './area.ts';
import { PEOPLE_CODES } from './people.ts';

const UNTOUCHED = 'Nothing was changed.';
const NOTHING_STORED = 'Nothing of the request was stored.';

const CODES: Readonly<Record<ProblemCode, CodeText>> = {
  'request-malformed': [
    'What came to the port is no HTTP/1.1: another protocol, or TLS on a plain port.',
    NOTHING_STORED,
    'Look at the scheme and the port of the caller; behind a proxy, look at what it sends.',
  ],
  'request-timeout': [
    'The head or the body of the request did not come in the time that the server waits.',
    NOTHING_STORED,
    'Send it again. If it comes back, the network between caller and server loses packets, or a proxy holds the body.',
  ],
  'headers-too-large': [
    'The head of the request is larger than 16 KiB.',
    NOTHING_STORED,
    'Shorten the query (`where` has room for 4,096 characters), or look for a proxy that adds cookies.',
  ],
  'body-malformed': [
    'The body is not JSON, lacks a field, has a field too many, or a value is not what it should be. The detail names the field, what stands there and what may.',
    NOTHING_STORED,
    'Correct the field. For devices: the page of the device protocol shows every message.',
  ],
  'body-too-large': [
    'The body is longer than the route takes.',
    'Nothing of it was stored; of an import, the whole batches before the limit were, and sending them again changes nothing.',
    'Split it. An import of any size goes through `outrider device import`, which splits by itself.',
  ],
  'media-type-unsupported': [
    'The Content-Type is none that the route takes.',
    NOTHING_STORED,
    'Send `application/json`, or `application/octet-stream` for blobs and imports.',
  ],
  'route-unknown': [
    'There is nothing at this path.',
    UNTOUCHED,
    'Compare it with `GET /api/v1/openapi.json`; an older server lacks newer routes.',
  ],
  'served-elsewhere': [
    'The request came to a server of another role: a gateway answers devices, a control plane people.',
    UNTOUCHED,
    'Send it to the address that the detail names: devices to a gateway, commands and the page to the control plane.',
  ],
  'method-not-allowed': [
    'The path exists and does not take this method; the header Allow names those it takes.',
    UNTOUCHED,
    'Use one of them.',
  ],
  'device-unknown': [
    'A device sent a signed request under an id that is not registered here.',
    'The device was told nothing and offered nothing.',
    'Register it (`POST /v1/register`). If many devices see this at once they talk to the wrong server, or its database was restored from before they registered.',
  ],
  'device-not-found': [
    'Somebody asked about a device that is not registered.',
    UNTOUCHED,
    'Look for it with `outrider device list --where "id = <beginning>*"`, and among those announced with `--expected`.',
  ],
  'device-mismatch': [
    'The body of a message names another device than the header that it was signed under.',
    'The message counts for neither of them.',
    'This is a fault of the device software, or somebody replays messages: look at who sent it.',
  ],
  'signature-invalid': [
    'The signature is not one of the registered key over method, path and the exact body.',
    'The message counted for nothing; a forged message has no effect.',
    'Look whether something between device and server rewrites bodies. One device alone: its key was lost or exchanged, give it a new id.',
  ],
  'certificate-untrusted': [
    'A request to the open port carries the headers by which a terminator of TLS names a client certificate.',
    'They were not believed: the request counted for nothing.',
    'Give the terminator the socket of `--terminator-socket`, and let it remove these headers from what clients send. Otherwise somebody tries to pass for a device: look at who sent it.',
  ],
  'certificate-malformed': [
    'The terminator names a client certificate, and one of the three headers is missing or not what it should be.',
    'The request counted for nothing.',
    'Compare the configuration of the terminator with the page of the terminator; the common name of a certificate is the id of its device.',
  ],
  'registration-token-invalid': [
    'A device showed another registration token than that of this installation.',
    'It was not registered.',
    'Compare the token on the device with `outrider device token`.',
  ],
  'registration-token-used': [
    'A device showed a registration token that as many devices as it is for have registered with already.',
    'It was not registered. Devices that did register with it may repeat that, with their own key.',
    'Make another with `outrider device token`. If nobody here used it, it was stolen: `outrider device tokens` and the audit log say when, and `outrider device revoke` shuts out who did.',
  ],
  'registration-token-expired': [
    'A device showed a registration token that has run out.',
    'It was not registered.',
    'Make another with `outrider device token`, with `--hours` if it has a long way to go.',
  ],
  'registration-token-for-another': [
    'A device showed a registration token that was made for another device.',
    'It was not registered, and the token is as good for its own device as before.',
    'Compare the id of the device with the one that the token was made for (`outrider device tokens`).',
  ],
  'factory-unknown-ca': [
    'A device showed a factory certificate that leads to none of the CAs that are pinned here.',
    'It was not registered.',
    'Pin the CA of the factory with `outrider ca pin-factory`, if it is one of yours, and start the server again.',
  ],
  'factory-certificate-expired': [
    'The factory certificate of a device, or a CA above it, is not in date.',
    'It was not registered.',
    'Let it register with a token instead: `outrider device token --device-id <id>`.',
  ],
  'factory-certificate-for-another': [
    'The common name of the factory certificate is not the id that the device wants to register.',
    'It was not registered.',
    'A device registers under the name that its factory gave it; look at its settings.',
  ],
  'factory-proof-invalid': [
    'The device has not shown that it holds the key of the factory certificate: the signature over its id and its new key does not verify.',
    'It was not registered: a copied certificate alone is worth nothing.',
    'Compare the text that the device signs with the page of the device protocol.',
  ],
  'key-already-registered': [
    'A device wants to register with a key that another device has.',
    'It was not registered, and the other device is as it was.',
    'Look at both: an image with a key in it was copied to several devices, or a device was cloned. Each has to make a key of its own.',
  ],
  'csr-malformed': [
    'The certificate request of a device is no PKCS#10 for an Ed25519 key that signs itself.',
    'Nothing was issued, and no token was used up.',
    'Compare it with the page of the device protocol; `openssl req -inform DER -verify` shows what it holds.',
  ],
  'csr-for-another': [
    'The certificate request names another device, or holds another key, than the device that sent it has.',
    'Nothing was issued.',
    'This is a fault of the device software, or somebody tries to get a certificate for another device: look at who sent it.',
  ],
  'ca-missing': [
    'A device ordered a certificate, and this server has no CA.',
    'It goes on by signing its requests.',
    'Make one with `outrider ca init`, or take your own with `outrider ca adopt`.',
  ],
  'ca-expired': [
    'The online CA for devices has run out: what it signs would be worth nothing.',
    'Certificates that are in date go on working; devices whose certificate has run out sign their requests.',
    'Renew it with `outrider ca renew` and start the server again: see the runbook of an expired CA.',
  ],
  'certificate-expired': [
    'A device came with a certificate that has run out.',
    'It was offered nothing and permitted nothing.',
    'Nothing: it orders a new one by its key (`POST /v1/certificate`). If many do at once, look at the clocks of servers and terminator.',
  ],
  'certificate-unknown-ca': [
    'A device came with a certificate that the CA of this installation has not signed.',
    'It was told nothing.',
    'A device of another installation, or of one that was replaced. If many do: the terminator trusts another CA than the server has, see `outrider ca show`.',
  ],
  'certificate-superseded': [
    'A device came with a certificate for a key that it does not have any more: it was given a new one.',
    'Nothing was told to whoever holds the former key.',
    'If the former key was stolen this is the thief: the audit log has the revocation, the log of the terminator the address.',
  ],
  'device-revoked': [
    'The key of the device has been revoked by a person.',
    'Whoever holds the key is told nothing, offered nothing and permitted nothing, on open connections too.',
    'See why with `outrider device identity <id>`. The device comes back with a new key and a token made for it, or, if it was a mistake, by `outrider device reinstate`.',
  ],
  'key-revoked-already': [
    'The key of the device has been revoked before.',
    UNTOUCHED,
    'See who did it and why with `outrider device identity <id>`.',
  ],
  'key-not-revoked': [
    'The key of the device is not revoked.',
    UNTOUCHED,
    'Look at the id: `outrider device identity <id>` shows how it stands.',
  ],
  'device-key-differs': [
    'The id is registered, or was announced, with another key.',
    'The device that holds the key keeps its id; the newcomer got nothing.',
    'A device that was wiped takes a new id. If nothing was wiped, somebody tries to take over an id: look at where the requests come from.',
  ],
  'device-not-as-expected': [
    'A device registers under an announced id with another type, model or hardware than was announced.',
    'It was not registered, so no image for the wrong hardware can follow.',
    'Look at the announcement (`outrider device list --expected`) and at the label of the device; correct the announcement by an import, or the configuration of the device.',
  ],
  'key-id-differs': [
    'The key id in a registration is not the SHA-256 of the key.',
    'The device was not registered.',
    'Correct the device software: the key id is the hash of the 32 raw bytes, in hexadecimal.',
  ],
  'token-invalid': [
    'The proof of who one is, a bearer token or the cookie of a session, is missing or wrong.',
    'The request was not read further than its head.',
    'Sign in with `outrider login`, or use a service token, or the text of the file `admin-token` in the data folder of the server.',
  ],
  ...PEOPLE_CODES,
  'blob-unknown': [
    'No blob is stored under this digest.',
    'What is stored is untouched.',
    'Upload it. If a device asks for it: its offer is older than a restore; it asks again by itself at its next check-in.',
  ],
  'document-unknown': [
    'The repository has no document of this name; for the next root this is how devices learn that there is none.',
    UNTOUCHED,
    'Nothing, unless it is a document that `timestamp.json` leads to: then restore it from a backup.',
  ],
  'range-unsatisfiable': [
    'The asked range begins after the end of the blob.',
    UNTOUCHED,
    'Start from zero. A device does so by itself.',
  ],
  'digest-mismatch': [
    'The bytes that came have another SHA-256 than the one they were announced under.',
    'Nothing was kept: under a digest there are only the bytes it names.',
    'Send them again. If it comes back, the file changed after it was hashed: pack the image anew.',
  ],
  'image-missing': [
    'The manifest names an image or a block list that was not uploaded.',
    'Nothing was published.',
    'Upload all images, those of the rollback twin too, then publish again: `outrider release publish` does it in this order.',
  ],
  'image-size-differs': [
    'An uploaded image has another length than the signed manifest says.',
    'Nothing was published.',
    'Make the manifest from the very files that are uploaded, and sign it anew.',
  ],
  'blocks-differ': [
    'The block list does not describe the image.',
    'Nothing was published.',
    'Pack the image anew with `outrider release pack` and make a new manifest.',
  ],
  'release-unknown': ['No release has this id.', UNTOUCHED, 'Look at `outrider release list`.'],
  'release-exists': [
    'The id, the version or the counter was published before for this type of device.',
    'What was published stays exactly as it was.',
    'A change is a new release: raise version and counter.',
  ],
  'release-withdrawn': [
    'The release was withdrawn and is offered no more.',
    'Devices that run it stay on it.',
    'Publish a newer release.',
  ],
  'release-role-missing': [
    'The server does not know who may sign releases.',
    'Nothing can be published and no device can register until it does.',
    'Make the role with `outrider key role` and put it where the server looks for it.',
  ],
  'release-unvouched': [
    'The image repository cannot vouch for the release: its signed targets are missing, of the wrong version, or say something else.',
    'Nothing was published, and the former metadata stays served.',
    'Create the release anew with `--former` naming the newest one, and let both groups sign it again.',
  ],
  'manifest-invalid': [
    'The manifest breaks a rule; the detail names it, and [rules.md](rules.md) explains it.',
    'Nothing was published.',
    'Correct the manifest and sign it anew.',
  ],
  'payload-type-unexpected': [
    'The envelope holds another kind of document than the route takes.',
    'Nothing was read from it.',
    'Send the signed release manifest itself.',
  ],
  'role-invalid': [
    'The document that says who may sign cannot be trusted: its threshold is out of range, or one key stands in two groups.',
    'Nothing signed under it is accepted.',
    'Make the role anew with `outrider key role`.',
  ],
  'threshold-not-met': [
    'Fewer groups have signed than the role demands.',
    'Nothing was accepted.',
    'Let the missing groups sign with `outrider release sign`; the detail names them.',
  ],
  'delta-failed': [
    'A delta could not be made, or applying it did not give the image.',
    'The release was not published: no device ever sees an unproven delta.',
    'Look at the free disk space of the server and publish again. If one pair of images fails each time, keep both and report it.',
  ],
  'rollout-unknown': ['There is no rollout with this id.', UNTOUCHED, 'Look at `outrider rollout list`.'],
  'rollout-exists': [
    'There is a rollout with this id already.',
    'It is untouched.',
    'Choose another id; a plan that was approved never changes.',
  ],
  'plan-invalid': [
    'The plan breaks a rule; the detail names it, and [rules.md](rules.md) explains it.',
    'No rollout was created.',
    'Correct the plan; `outrider rollout forecast` shows all findings at once.',
  ],
  'audience-empty': [
    'No registered device is in the audience, on the hardware of the release.',
    'The rollout has not started.',
    'Ask for the same devices with `outrider device list --where` and correct the audience; devices that were only announced do not count.',
  ],
  'salt-reused': [
    'Another rollout has this salt: the same devices would come first each time.',
    'No rollout was created.',
    'Leave the salt out, so that a new one is drawn.',
  ],
  'rollback-not-included': [
    'The rollout is rolling back, and the change would stop that without saying so.',
    'The way back goes on.',
    'If devices really shall stay on the bad release, say so with --including-rollback.',
  ],
  'rollout-not-live': [
    'The rollout has not started, or has ended.',
    UNTOUCHED,
    'Look at its state with `outrider rollout show`.',
  ],
  'segment-unknown': ['The rollout has no such segment.', UNTOUCHED, '`outrider rollout show` lists its segments.'],
  'segment-already-halted': ['The segment is halted already.', 'It stays halted.', 'Nothing is left to do.'],
  'plan-contradicted': [
    'The plan sets aside base rates that devices have shown before.',
    'No rollout was created.',
    'Take the base rates that were shown, or overrule them with a reason; `outrider rollout base-rates` shows both.',
  ],
  'overrule-unfounded': [
    'Base rates were overruled that do not contradict anything.',
    UNTOUCHED,
    'Leave the overrule out.',
  ],
  'rollout-ended': ['The rollout admits nobody any more.', 'It stays as it ended.', 'Make a new rollout.'],
  'limit-absent': ['The rollout has no ceiling of an operator.', UNTOUCHED, 'There is nothing to lift.'],
  'limit-in-force': [
    'The rollout is under a ceiling of an operator and cannot be completed.',
    'Exposure stays below the ceiling.',
    'Lift the ceiling first.',
  ],
  'approver-role-missing': [
    'The server does not know who may approve.',
    UNTOUCHED,
    'Install the role of the approvers, then send the approval again.',
  ],
  'approval-invalid': [
    'The signed approval is not about this, or is not signed by those who may approve.',
    UNTOUCHED,
    'Sign exactly what is to be approved; the detail says what differs.',
  ],
  'charter-invalid': [
    'What approvers have signed does not hold for the rollout: too few signatures, another plan or release, expired, or there is none. The detail names the reason, the page [device](device.md) explains it.',
    UNTOUCHED,
    'Look at it with `outrider charter show`; draw it up anew with `outrider charter create` and let it be signed.',
  ],
  'charter-in-force': [
    'The rollout has started, and another charter than its own was submitted.',
    'The rollout goes on under the charter that devices have been told.',
    'Openings of further waves can be added to the charter in force; anything else is a new rollout.',
  ],
  'resume-unsigned': [
    'The rollout is halted, and a resume came without the signatures of two approvers.',
    'It stays halted.',
    'Collect two signatures with `outrider rollout sign-resume`, then send them with `outrider rollout resume --approval`.',
  ],
  'resume-invalid': [
    'What was signed is not about this rollout, this revision and this evidence, or its 24 hours are over.',
    'It stays halted.',
    'Look at the evidence again and let it be signed anew; the detail says what differs.',
  ],
  'rollout-not-halted': [
    'The rollout is not halted: evidence is taken out, and a signed resume taken, of halted rollouts alone.',
    UNTOUCHED,
    'Halt the rollout first if its evidence is not to be believed.',
  ],
  'flag-repeated': [
    'The device has flagged this rollout before; it counts once.',
    'The first flag stands.',
    'Nothing is to be done; what is new can be told as a flag of the operator.',
  ],
  'flags-too-many': [
    'The rollout has 500 flags already.',
    'The flags there are stand.',
    'Read them with `outrider rollout show` and halt the rollout if they are right.',
  ],
  'region-already-halted': [
    'The region of the rollout has been halted before.',
    'It stays halted.',
    'Nothing is to be done; `--roll-back` adds the way back if it was only stopped.',
  ],
  'region-not-halted': [
    'The signed resume opens a region that is not halted.',
    'It stays halted.',
    'Let it be signed anew with the halted regions that `outrider rollout show` lists.',
  ],
  'segment-not-halted': [
    'The signed resume opens a segment that is not halted.',
    'It stays halted.',
    'Let it be signed anew with the halted segments that `outrider rollout show` lists.',
  ],
  'exclusion-unchanged': [
    'A device of the list is left out already, or is to be included and was not left out.',
    UNTOUCHED,
    'Leave it out of the list.',
  ],
  'exclusions-too-many': [
    'One rollout leaves out 1,000 devices at most.',
    UNTOUCHED,
    'So many forged reports are an attack on the fleet: keep the rollout halted and make a new one.',
  ],
  'evidence-unsettled': [
    'The counts do not yet say what was ordered last.',
    'It stays halted.',
    'Ask again after the next round of the rule, at most a minute later.',
  ],
  'evidence-still-halts': [
    'The evidence is over a threshold, so a rollout that goes on with it would halt at once.',
    'It stays halted.',
    'Exclude what is forged, or let a resume be signed whose counts begin again (`--restart-counts`).',
  ],
  'evidence-absent': [
    'Nothing has been counted about the rollout yet.',
    UNTOUCHED,
    'Ask again after its first decision, at most a minute after the start.',
  ],
  'order-unknown': [
    'A freeze or an exclusion was named that is not there.',
    UNTOUCHED,
    '`outrider freeze list` and `outrider exclusion list` show those there are.',
  ],
  'orders-too-many': [
    'There are as many freezes, or exclusions, as are kept: each is looked at for each permit.',
    UNTOUCHED,
    'Lift those that are over. Many devices are excluded by a tag, not by an exclusion each.',
  ],
  'group-unknown': [
    'A group was named that is not there, or that holds devices beyond your reach.',
    UNTOUCHED,
    '`outrider group list` shows those there are.',
  ],
  'group-exists': [
    'There is a group of this name already.',
    UNTOUCHED,
    'Choose another name, or change that one with `outrider group change` from the revision that `outrider group show` tells.',
  ],
  'group-changed': [
    'Somebody has changed or removed and made the group anew since it was read.',
    'Your change was not made.',
    'Look at it with `outrider group show`, then change it from the revision it tells.',
  ],
  'tags-too-many': [
    `A device would have more than ${TAGS_MAX} tags.`,
    'No tag of any device was changed in that batch.',
    'Take away those that say nothing any more: `outrider device untag`.',
  ],
  'attributes-stale': [
    'Somebody has changed the attributes or tags of the device since you read them.',
    'Your change was not made.',
    'Look at it with `outrider device show`, then name the revision it tells.',
  ],
  'groups-too-many': [
    'There are as many groups as are kept: 500.',
    UNTOUCHED,
    'Remove those that nobody uses. What was made with a group keeps what it meant.',
  ],
  'freeze-empty': [
    'The freeze would end before it begins, or at the same minute of the week.',
    UNTOUCHED,
    'Correct its times. A weekly one may go over the end of the week: from Friday to Monday.',
  ],
  'scope-not-paused': ['The scope is not paused.', UNTOUCHED, '`outrider status` lists what is paused.'],
  'twin-missing': [
    'The release was published without a rollback twin.',
    'Devices in trial still fall back by themselves; confirmed ones stay.',
    'Publish a repaired release with a higher counter. Publish the next ones with a twin.',
  ],
  'transition-impossible': [
    'The rollout cannot do this in its present state.',
    UNTOUCHED,
    'Look at its state; the detail names what it can do.',
  ],
  'revision-stale': [
    'The policy has moved on since it was read: somebody else changed it.',
    'Your change was not made.',
    'Read it again, look at what changed, then decide again.',
  ],
  'clock-not-conducted': [
    'The server runs on the wall clock, which nobody steps.',
    UNTOUCHED,
    'Only an installation for simulation is stepped: start it with --clock conducted.',
  ],
  'clock-not-held': [
    'Fleet time follows its clock, so there is no jump to accept.',
    UNTOUCHED,
    'Nothing is left to do.',
  ],
  'clock-backwards': ['Fleet time was asked to go backwards.', 'It stands where it stood.', 'Step to a later instant.'],
  'query-invalid': [
    'A parameter is not valid, or the query has something at the named column that cannot stand there.',
    UNTOUCHED,
    'The detail says what is allowed; the language is on the page [queries](../queries.md).',
  ],
  'tenant-unknown': [
    'A client that speaks hawkBit’s DDI names another tenant in its path than this installation has.',
    NOTHING_STORED,
    'Set the tenant in the client (`-t` of SWUpdate) to that of the setting `ddiTenant`, which is `DEFAULT` where nobody has set it.',
  ],
  'ddi-token-invalid': [
    'A DDI client sent no token, a wrong one, or one that was replaced, and showed no client certificate either.',
    NOTHING_STORED,
    'Compare the client with `outrider ddi show <device>`; where the token was lost, make a new one with `outrider ddi token <device>`.',
  ],
  'ddi-gateway-out-of-scope': [
    'The token of the gateway is valid, but the device is none of those that it was made for.',
    NOTHING_STORED,
    'Look at `outrider ddi gateways`; correct the attributes of the device, or make the gateway a token with another scope.',
  ],
  'ddi-action-unknown': [
    'The deployment that a DDI client asks for, or speaks of, has ended, was taken back, is not to be installed at this moment, or never was.',
    UNTOUCHED,
    'Nothing, as a rule: the client polls again. `outrider ddi show <device>` lists its deployments.',
  ],
  'ddi-gateway-exists': [
    'There is a gateway of this name already.',
    UNTOUCHED,
    'Take another name, or remove the other one first: its token is void then.',
  ],
  'ddi-gateways-too-many': [
    'There are 256 gateways, the most that an installation keeps.',
    UNTOUCHED,
    'Remove those that are gone with `outrider ddi gateway-remove <name>`.',
  ],
  'ddi-gateway-unknown': ['There is no gateway of this name.', UNTOUCHED, 'Look at `outrider ddi gateways`.'],
  'rate-limited': [
    'Too much of this kind is under way.',
    UNTOUCHED,
    'Come back after the time in Retry-After, or when the one under way has ended.',
  ],
  'storage-full': [
    'The disk of the server has no room for the bytes.',
    'Nothing half written is kept; devices go on being answered, permits need the database.',
    'Free space on the disk of the data folder, then send it again.',
  ],
  'store-away': [
    'The database cannot be reached, is full, or does not answer in time.',
    'No permit can come into being without it. Whether a change of yours was made is not known.',
    'Look at the reason in the detail and at the database itself; then look whether the change is there before you send it again.',
  ],
  'gateway-busy': [
    'The gateway turns requests of devices away before its queues grow: check-ins first, permits later, reports last.',
    'Nothing was done for the request, so it may be sent again. Pauses, people and probes are answered as ever.',
    'Devices come back by themselves after Retry-After. If it lasts: look at outrider_gateway_shed_requests_total, and add a gateway.',
  ],
  'shutting-down': [
    'The server is stopping.',
    'What it acknowledged is stored.',
    'Send it again to the server that takes its place.',
  ],
  'internal-error': [
    'The server failed on a fault that nobody foresaw.',
    'What was acknowledged before is stored. Whether this request had an effect is not known.',
    'Its log has the fault: keep that line and report it.',
  ],
};

/** Answers of the server's HTTP edge. */
export const apiArea: ErrorArea = {
  name: 'api',
  title: 'Answers of the server',
  intro:
    'The member `code` of a problem document (RFC 9457), to people and to devices; `outrider` shows its detail and, with --json, the code.',
  codes: CODES,
  marks: Object.fromEntries(Object.entries(PROBLEMS).map(([code, { status }]) => [code, `HTTP ${status}`])),
};
