<?php

/**
 * Whether a webhook is CryptoPocket's and fresh.
 *
 * $rawBody: the bytes of the body as they came: file_get_contents('php://input').
 * $headers: with names in lower case: array_change_key_case(getallheaders()).
 */
function isGenuine(string $rawBody, array $headers, string $apiSecret, ?int $nowSeconds = null): bool
{
    $timestamp = $headers['x-timestamp'] ?? '';
    $signature = $headers['x-signature'] ?? '';
    $now = $nowSeconds ?? time();
    if (!preg_match('/^[0-9]{1,12}$/D', $timestamp) || abs($now - (int) $timestamp) > 300) {
        return false;
    }
    $expected = hash_hmac('sha256', $rawBody . $timestamp, $apiSecret);
    return hash_equals($expected, $signature);
}
