"""What the API of runbooks takes and answers."""

from rest_framework import serializers


class NotifiedSerializer(serializers.Serializer[dict[str, object]]):
    incidents = serializers.ListField(child=serializers.IntegerField())
