"""The broker: every call of every design goes through it, within a budget, in its turn, and is written down."""

from agentarch.broker.broker import Broker
from agentarch.broker.contract import Answer, Backend, Call
from agentarch.broker.desk import Allowance, BrokerDesk

__all__ = ["Allowance", "Answer", "Backend", "Broker", "BrokerDesk", "Call"]
