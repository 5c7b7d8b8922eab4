"""Celery's settings: flat, every non-default with its reason.

A Celery message is a wake-up hint: the spool and the database hold the truth, so a lost or doubled message
costs time, never work. Nothing here uses eta, countdown, retry or a result backend; on Redis each of them
loses or doubles (celery #3501, kombu #337), and a conformance test keeps them out.
"""

from kombu import Queue

from worker.broker_address import for_celery
from worker.queues import QUEUE_OF, QueueName, TaskName
from worker.settings import load_settings

_settings = load_settings()

broker_url = for_celery(_settings.broker)

# --- connection -----------------------------------------------------------------------------------------
broker_connection_retry_on_startup = True  # containers may start in any order
broker_connection_max_retries = None  # the default gives up after 100: a worker must outwait any outage
broker_transport_options = {
    "visibility_timeout": 300,  # more than twice task_time_limit; nothing with an eta exists to outlive it
    "unacked_restore_interval": 5,  # with the defaults a killed worker's messages wait up to 100 s more
    "unacked_restore_throttle": 1,
    "queue_order_strategy": "priority",  # queues in the order of -Q: intake before sending
    "global_keyprefix": "nurture:",  # a shared Redis stays tidy
    "socket_timeout": 5,  # a frozen Redis must not hold anyone for ever
    "socket_connect_timeout": 3,
    "health_check_interval": 10,
    "max_retries": 1,  # of a publish that finds no broker: whoever publishes must not wait; workers retry for ever
    "interval_start": 0,
    "interval_step": 0,
    "interval_max": 0,
}
if not broker_url.startswith("redis+socket"):
    broker_transport_options["socket_keepalive"] = True  # TCP only; a unix socket has none
broker_pool_limit = 4

# --- what is queued -------------------------------------------------------------------------------------
task_queues = [Queue(name.value) for name in QueueName]
task_default_queue = QueueName.TICK.value
task_routes = {task.value: {"queue": queue.value} for task, queue in QUEUE_OF.items()}
task_create_missing_queues = False  # a misspelled queue must raise, not fill a list that nobody reads
task_serializer = "json"
accept_content = ["json"]  # never pickle
task_ignore_result = True  # no result backend: nothing to grow, nothing to leak
result_expires = None  # so there is nothing to clean up at night either, by a task that nobody here wrote
task_publish_retry = False  # the spool and the sweep try again; whoever publishes must not wait

# --- when is it done ------------------------------------------------------------------------------------
task_acks_late = True  # a crash runs the task again in seconds; every task is idempotent
task_reject_on_worker_lost = False  # a payload that kills its process would run for ever
task_time_limit = 120
task_soft_time_limit = 90

# --- workers --------------------------------------------------------------------------------------------
worker_consumer = "worker.tasks.unreadable:ParkingConsumer"  # the stock one drops what it can't read
worker_pool = "worker.tasks.renewal:RenewingTaskPool"  # the stock one may replace an ended process 5 s late
worker_prefetch_multiplier = 1  # the fewest messages at risk
worker_max_tasks_per_child = 1000  # leaks are a fact of life
worker_max_memory_per_child = 200_000  # kilobytes
worker_send_task_events = False  # load, and arguments on the wire
task_send_sent_event = False
worker_enable_remote_control = False  # its reply queues have no expiry; status reads the database instead
worker_hijack_root_logger = False  # our own logs drop what Celery would print of unknown messages
worker_redirect_stdouts = False
worker_cancel_long_running_tasks_on_connection_loss = False  # killed while it sends, it would leave unknowns

# --- beat -----------------------------------------------------------------------------------------------
beat_schedule = {
    "sweep": {
        "task": TaskName.SWEEP.value,
        "schedule": 2.0 if _settings.clock_speed != 1 else 5.0,
        # Ticks must not pile up in an outage. Not sooner, as the hosts' clocks may differ: a worker whose clock
        # is ahead of beat's would throw every tick away as too old, and nobody would sweep.
        "options": {"expires": 7200},
    }
}
if _settings.feedback_imap:
    beat_schedule["feedback"] = {
        "task": TaskName.FEEDBACK.value,
        "schedule": 60.0,
        "options": {"expires": 60},
    }
if _settings.ping_url:
    beat_schedule["ping"] = {"task": TaskName.PING.value, "schedule": 60.0, "options": {"expires": 60}}
beat_schedule_filename = str(_settings.state / "run" / "beat-schedule")
beat_max_loop_interval = 5
beat_scheduler = "worker.beat:SteadyScheduler"  # the stock one sleeps out a clock that was set back
