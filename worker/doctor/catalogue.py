"""Every check, with what a failure means and how to mend it: the one source of `docs/operators/doctor.md`."""

from __future__ import annotations

from worker.doctor.finding import Check

# --- this installation ----------------------------------------------------------------------------------------

BROKER = Check(
    "NRT-D001", "the broker answers", "Redis is away. Posts are kept in the spool; nothing else moves",
    "start Redis, and check NURTURE_REDIS_URL",
)  # fmt: skip
SPOOL = Check(
    "NRT-D002", "the spool can be written", "no post can be accepted: every form gets a 503",
    "make room on the disk, and let the web process own the folder of NURTURE_SPOOL_DIR",
)  # fmt: skip
DATABASE = Check(
    "NRT-D003", "the database answers, is of this version and has content",
    "nothing is stored or sent. Posts are kept in the spool",
    "start it, check NURTURE_DATABASE_URL, then run: nurture db upgrade",
)  # fmt: skip
OUTBOX = Check(
    "NRT-D004", "mail leaves this machine", "production keeps every email in a folder", "set NURTURE_MAIL_URL"
)
DISK = Check(
    "NRT-D005", "the spool's disk has room", "when it is full, no post can be accepted",
    "make room: under 1 GB is a warning, under 100 MB a failure",
)  # fmt: skip
EVICTION = Check(
    "NRT-D006", "Redis never throws work away", "a full Redis drops messages; the spool offers them again, later",
    "set maxmemory-policy to noeviction",
)  # fmt: skip
PERSISTENCE = Check(
    "NRT-D007", "Redis keeps its messages over a restart", "messages come again from the spool and the sweep, later",
    "set appendonly to yes",
)  # fmt: skip
DURABILITY = Check(
    "NRT-D008", "PostgreSQL is durable", "after a power cut it forgets what it has confirmed, and emails may go twice",
    "set fsync, full_page_writes and synchronous_commit to on",
)  # fmt: skip
CLOCK = Check(
    "NRT-D009", "this machine's clock is right", "links, signatures and certificates are judged by a wrong time",
    "run a time service (chrony, systemd-timesyncd): over 5 seconds is a warning, over a minute a failure",
)  # fmt: skip
AGREEMENT = Check(
    "NRT-D010", "there is a dated agreement with the mail provider",
    "health data goes to someone who has not agreed to protect it (a business associate agreement)",
    "sign it and set NURTURE_ESP_BAA_DATE to its day; look at it again each year",
)  # fmt: skip
REVIEWS = Check(
    "NRT-D011", "no review date has passed or is near", "an email whose review date has passed is held",
    "have it reviewed, write the new date beside it, publish: 30 days ahead is a warning",
)  # fmt: skip

# --- DNS of the sending domain --------------------------------------------------------------------------------

DNS = Check(
    "NRT-D020", "the name server answers", "nothing about the sending domain can be told",
    "check the network, or name another server with --dns or NURTURE_DNS_SERVER",
)  # fmt: skip
SPF = Check(
    "NRT-D021", "there is one valid SPF record", "mailbox providers can't tell our mail from a forger's, and refuse it",
    "publish one TXT record v=spf1 … with the provider's include, at the domain of the return path",
)  # fmt: skip
SPF_LOOKUPS = Check(
    "NRT-D022", "SPF needs at most 10 lookups", "receivers stop at the tenth and treat the record as broken",
    "take out includes that are not used any more",
)  # fmt: skip
SPF_END = Check(
    "NRT-D023", "SPF says what to do with everybody else", "a record that allows all, or says nothing, protects nobody",
    "end the record with ~all or -all",
)  # fmt: skip
DKIM = Check(
    "NRT-D024", "the DKIM key stands in DNS", "signatures can't be checked, and mail is refused as unauthenticated",
    "publish the key at SELECTOR._domainkey.DOMAIN, as the provider or `nurture` gave it",
)  # fmt: skip
DKIM_STRENGTH = Check(
    "NRT-D025", "the DKIM key is strong and in use", "short keys are ignored; a revoked or a test key proves nothing",
    "make a new RSA key of 2048 bits under a new selector; take t=y out",
)  # fmt: skip
DKIM_OURS = Check(
    "NRT-D026", "the DKIM key in DNS is the one that we sign with", "every signature fails",
    "publish the record of our key, or give us the key of the record",
)  # fmt: skip
DMARC = Check(
    "NRT-D027", "there is one valid DMARC record (RFC 9989)", "Gmail, Yahoo and Microsoft refuse mail without one",
    "publish a TXT record v=DMARC1; p=none; rua=mailto:… at _dmarc.DOMAIN; raise p once reports are clean",
)  # fmt: skip
DMARC_REMARKS = Check(
    "NRT-D028", "the DMARC record is up to date", "it works, but not as its author may think",
    "mend what the remark names",
)  # fmt: skip
ALIGNMENT = Check(
    "NRT-D029", "From is aligned with SPF and DKIM", "DMARC fails however valid both are, and mail is refused",
    "sign with the domain of From or one beside it, and let the return path be under it",
)  # fmt: skip
MX = Check(
    "NRT-D030", "bounces and replies can be delivered", "we never hear of bounces; people's answers are lost",
    "publish MX records that lead to addresses",
)  # fmt: skip
MTA_STS = Check(
    "NRT-D031", "MTA-STS, where it is announced, is right",
    "senders that honour it bring us neither bounces nor replies",
    "serve the policy at https://mta-sts.DOMAIN/.well-known/mta-sts.txt with every MX in it; or take the record away",
)  # fmt: skip

# --- the mail provider ----------------------------------------------------------------------------------------

MAIL_SERVER = Check(
    "NRT-D040", "the mail server answers", "no email can leave",
    "check host and port of NURTURE_MAIL_URL, and firewalls",
)  # fmt: skip
MAIL_TLS = Check(
    "NRT-D041", "the mail server's TLS is verified and current", "no email can leave, or it leaves in clear",
    "use a server with a valid certificate for its name and TLS 1.2 or newer",
)  # fmt: skip
MAIL_CERTIFICATE = Check(
    "NRT-D042", "the mail server's certificate is valid for a while", "on its last day no email can leave any more",
    "have it renewed: under 14 days is a warning",
)  # fmt: skip
LOGIN = Check(
    "NRT-D043", "the provider takes our credentials", "every email is refused, and sending stops by itself",
    "put the right credentials into NURTURE_MAIL_URL",
)  # fmt: skip

# --- from outside ---------------------------------------------------------------------------------------------

SITE = Check(
    "NRT-D050", "the public address answers over https, without a redirect", "no link in any email works",
    "check DNS, proxy and certificate of NURTURE_PUBLIC_URL",
)  # fmt: skip
UNSUBSCRIBE = Check(
    "NRT-D051", "an unsubscribe link works from outside",
    "people who can't stop our emails report them as spam, and mailbox providers refuse a sender without it",
    "let the proxy pass /u/ through to the web process as it is, without a login or a redirect",
)  # fmt: skip
SITE_CLOCK = Check(
    "NRT-D052", "this machine and the public host agree on the time", "one of the two clocks is wrong",
    "run a time service on both: over 5 seconds is a warning, over a minute a failure",
)  # fmt: skip
SITE_CERTIFICATE = Check(
    "NRT-D053", "the public certificate is valid for a while", "on its last day no link in any email works",
    "have it renewed: under 14 days is a warning",
)  # fmt: skip

GROUPS: tuple[tuple[str, tuple[Check, ...]], ...] = (
    (
        "This installation",
        (BROKER, SPOOL, DATABASE, OUTBOX, DISK, EVICTION, PERSISTENCE, DURABILITY, CLOCK, AGREEMENT, REVIEWS),
    ),
    (
        "DNS of the sending domain",
        (DNS, SPF, SPF_LOOKUPS, SPF_END, DKIM, DKIM_STRENGTH, DKIM_OURS, DMARC, DMARC_REMARKS, ALIGNMENT, MX, MTA_STS),
    ),
    ("The mail provider", (MAIL_SERVER, MAIL_TLS, MAIL_CERTIFICATE, LOGIN)),
    ("From outside", (SITE, UNSUBSCRIBE, SITE_CLOCK, SITE_CERTIFICATE)),
)
CHECKS: tuple[Check, ...] = tuple(check for _, checks in GROUPS for check in checks)
