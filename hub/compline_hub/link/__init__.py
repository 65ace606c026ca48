"""How frames reach the hub: broker, MQTT client, network advert."""
