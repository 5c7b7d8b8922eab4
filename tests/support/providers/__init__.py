"""Mail providers on this machine: one faithful stub each, checked against what the provider documents.

Start one as a process of its own, to outlive whoever is killed around it:

    python -m tests.support.providers resend --log accepted.jsonl --misbehave drop_after=0.01,429=0.03 --seed 7

It prints one line, the `MAIL_URL` to give to the product. `--log` gets one JSON line for each message that was
really accepted, fsynced before the answer: {"send_id", "to", "id", "at"}. A repeat that the provider recognises
by its key is not accepted again, so a `send_id` that stands there twice went out twice.
"""
