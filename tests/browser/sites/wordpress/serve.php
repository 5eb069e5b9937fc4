<?php
// Answers as WordPress's own index.php does; files are served as they are.
if (is_file(__DIR__ . parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH))) {
    return false;
}
require __DIR__ . '/config.php';
define('WP_USE_THEMES', true);
wp();
require ABSPATH . WPINC . '/template-loader.php';
