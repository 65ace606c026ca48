"""Broker, advert and the MQTT side of intake."""
